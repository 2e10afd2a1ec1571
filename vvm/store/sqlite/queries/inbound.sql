-- name: forget_expired_segments
DELETE FROM inbound_segment WHERE expires_at <= ?;

-- name: keep_segment
INSERT INTO inbound_segment (key, segment, octets, expires_at) VALUES (:key, :segment, :octets, :expires_at)
ON CONFLICT (key, segment) DO UPDATE SET octets = excluded.octets, expires_at = excluded.expires_at;

-- name: forget_oldest_segments
-- Whatever is over the limit.  Of those that are as old, never the one that has just come.
DELETE FROM inbound_segment WHERE key IN (
    SELECT key FROM inbound_segment GROUP BY key
     ORDER BY key = :key DESC, max(expires_at) DESC LIMIT -1 OFFSET :limit
);

-- name: segments_of
SELECT octets FROM inbound_segment WHERE key = ? ORDER BY segment;

-- name: forget_segments
DELETE FROM inbound_segment WHERE key = ?;

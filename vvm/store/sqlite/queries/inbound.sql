-- name: forget_expired_segments
DELETE FROM inbound_segment WHERE expires_at <= ?;

-- name: keep_segment
INSERT INTO inbound_segment (key, segment, octets, expires_at) VALUES (:key, :segment, :octets, :expires_at)
ON CONFLICT (key, segment) DO UPDATE SET octets = excluded.octets, expires_at = excluded.expires_at;

-- name: forget_oldest_segments
-- Whatever is over the limit of those that begin so.  Of those that are as old, never the one that has just come.
DELETE FROM inbound_segment WHERE key IN (
    SELECT key FROM inbound_segment WHERE substr(key, 1, length(:begin)) = :begin GROUP BY key
     ORDER BY key = :key DESC, max(expires_at) DESC LIMIT -1 OFFSET :limit
);

-- name: segments_of
SELECT octets FROM inbound_segment WHERE key = ? ORDER BY segment;

-- name: forget_segments
DELETE FROM inbound_segment WHERE key = ?;

-- name: hear_named
-- No row back: it is a redelivery.
INSERT INTO inbound_key (key, received_at) VALUES (:key, :received_at)
ON CONFLICT (key) DO UPDATE SET received_at = excluded.received_at WHERE inbound_key.received_at < :since
RETURNING key;

-- name: hear
-- No row back: it is a redelivery.
INSERT INTO inbound_last (originator, key, received_at) VALUES (:originator, :key, :received_at)
ON CONFLICT (originator) DO UPDATE SET key = excluded.key, received_at = excluded.received_at
 WHERE :named OR inbound_last.key <> excluded.key OR inbound_last.received_at < :since
RETURNING originator;

-- name: insert_inbound
INSERT INTO inbound (originator, destination, text, received_at)
VALUES (:originator, :destination, :text, :received_at);

-- name: pending_inbound
SELECT id, originator, destination, text, received_at FROM inbound WHERE settled = 0 ORDER BY id LIMIT ?;

-- name: settle_inbound
UPDATE inbound SET settled = 1 WHERE id = ? AND settled = 0 RETURNING id;

-- name: inbound_history
SELECT * FROM
    (SELECT id, originator, destination, text, received_at
       FROM inbound WHERE originator = :originator ORDER BY id DESC LIMIT :limit)
 ORDER BY id;

-- name: forget_inbound
DELETE FROM inbound WHERE id IN
    (SELECT id FROM inbound WHERE settled = 1 AND received_at < :before ORDER BY received_at LIMIT :limit);

-- name: forget_keys
DELETE FROM inbound_key WHERE key IN
    (SELECT key FROM inbound_key WHERE received_at < :before ORDER BY received_at LIMIT :limit);

-- name: forget_last
DELETE FROM inbound_last WHERE originator IN
    (SELECT originator FROM inbound_last WHERE received_at < :before ORDER BY received_at LIMIT :limit);

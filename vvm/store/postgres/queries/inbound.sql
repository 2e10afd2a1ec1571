-- name: lock_segments
-- Two pieces that come at the same time: the second sees the first.
SELECT pg_advisory_xact_lock(hashtextextended(:key, 0));

-- name: forget_expired_segments
DELETE FROM inbound_segment WHERE expires_at <= :now;

-- name: keep_segment
INSERT INTO inbound_segment (key, segment, octets, expires_at) VALUES (:key, :segment, :octets, :expires_at)
ON CONFLICT (key, segment) DO UPDATE SET octets = excluded.octets, expires_at = excluded.expires_at;

-- name: forget_oldest_segments
-- Whatever is over the limit of those that begin so.  Of those that are as old, never the one that has just come.
DELETE FROM inbound_segment WHERE key IN (
    SELECT key FROM inbound_segment WHERE starts_with(key, :begin) GROUP BY key
     ORDER BY key = :key DESC, max(expires_at) DESC OFFSET :limit
);

-- name: segments_of
SELECT octets FROM inbound_segment WHERE key = :key ORDER BY segment;

-- name: forget_segments
DELETE FROM inbound_segment WHERE key = :segments_key;

-- name: hear_named
-- No row back: it is a redelivery.
WITH new AS (
    INSERT INTO inbound_key (key, received_at) VALUES (:key, :received_at)
    ON CONFLICT (key) DO UPDATE SET received_at = excluded.received_at WHERE inbound_key.received_at < :since
    RETURNING key),
last AS (
    INSERT INTO inbound_last (originator, key, received_at) SELECT :originator, key, :received_at FROM new
    ON CONFLICT (originator) DO UPDATE SET key = excluded.key, received_at = excluded.received_at)
INSERT INTO inbound (originator, destination, text, received_at)
SELECT :originator, :destination, :text, :received_at FROM new
RETURNING id;

-- name: hear
-- No row back: it is a redelivery.
WITH new AS (
    INSERT INTO inbound_last (originator, key, received_at) VALUES (:originator, :key, :received_at)
    ON CONFLICT (originator) DO UPDATE SET key = excluded.key, received_at = excluded.received_at
     WHERE inbound_last.key <> excluded.key OR inbound_last.received_at < :since
    RETURNING originator)
INSERT INTO inbound (originator, destination, text, received_at)
SELECT originator, :destination, :text, :received_at FROM new
RETURNING id;

-- name: pending_inbound
SELECT id, originator, destination, text, received_at FROM inbound WHERE NOT settled ORDER BY id LIMIT :limit;

-- name: settle_inbound
UPDATE inbound SET settled = true WHERE id = :row AND NOT settled RETURNING id;

-- name: inbound_history
SELECT * FROM
    (SELECT id, originator, destination, text, received_at
       FROM inbound WHERE originator = :originator ORDER BY id DESC LIMIT :limit) AS newest
 ORDER BY id;

-- name: forget_inbound
WITH old AS MATERIALIZED (
    SELECT id FROM inbound WHERE settled AND received_at < :before ORDER BY received_at LIMIT :limit),
old_keys AS MATERIALIZED (
    SELECT key FROM inbound_key WHERE received_at < :before ORDER BY received_at LIMIT :limit),
old_last AS MATERIALIZED (
    SELECT originator FROM inbound_last WHERE received_at < :before ORDER BY received_at LIMIT :limit),
keys AS (DELETE FROM inbound_key USING old_keys WHERE inbound_key.key = old_keys.key),
last AS (
    DELETE FROM inbound_last USING old_last
     WHERE inbound_last.originator = old_last.originator AND inbound_last.received_at < :before),
gone AS (DELETE FROM inbound USING old WHERE inbound.id = old.id RETURNING inbound.id)
SELECT count(*) FROM gone;

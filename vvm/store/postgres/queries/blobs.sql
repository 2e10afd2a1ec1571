-- name: lock_blobs
-- A deposit takes the same lock, shared, before it looks whether its blob is condemned.
SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(:keys::text[]) AS key ORDER BY key;

-- name: condemn
-- Of these keys, those that no content has.
INSERT INTO loose_blob (key, since, condemned)
SELECT key, :at, true FROM unnest(:keys::text[]) AS key
 WHERE NOT EXISTS (SELECT 1 FROM content WHERE blob = key OFFSET 0)  -- asked key by key
    ON CONFLICT (key) DO UPDATE SET deleted = false;  -- a write that came late brought it back

-- name: condemned
SELECT key FROM loose_blob WHERE key = ANY (:keys);

-- name: loose
SELECT key FROM loose_blob WHERE NOT deleted AND since < :before ORDER BY since, key LIMIT :limit;

-- name: deleted
-- No append is under way for the blob of a message that was.
WITH released AS (DELETE FROM loose_blob WHERE key = ANY (:keys::text[]) AND NOT condemned)
UPDATE loose_blob SET deleted = true WHERE key = ANY (:keys) AND condemned;

-- name: forget
WITH gone AS (
    DELETE FROM loose_blob WHERE key IN
        (SELECT key FROM loose_blob WHERE deleted AND since < :before ORDER BY since LIMIT :limit)
    RETURNING key)
SELECT count(*) FROM gone;

-- name: in_use
SELECT 1 FROM content WHERE blob IS NOT NULL LIMIT 1;

-- name: data_key
SELECT wrapped FROM mailbox_key WHERE mailbox_id = :mailbox;

-- name: insert_data_key
INSERT INTO mailbox_key (mailbox_id, wrapped)
SELECT id, :fresh FROM mailbox WHERE id = :mailbox FOR UPDATE
    ON CONFLICT (mailbox_id) DO NOTHING;

-- name: condemn
-- Of these keys, those that no content has.
INSERT INTO loose_blob (key, since, condemned)
SELECT value, :at, 1 FROM json_each(:keys)
 WHERE NOT EXISTS (SELECT 1 FROM content WHERE blob = value)
    ON CONFLICT (key) DO UPDATE SET deleted = 0;  -- a write that came late brought it back

-- name: condemned
SELECT key FROM loose_blob WHERE key IN (SELECT value FROM json_each(:keys));

-- name: loose
SELECT key FROM loose_blob WHERE NOT deleted AND since < :before ORDER BY since, key LIMIT :limit;

-- name: forget_released
-- No append is under way for the blob of a message that was.
DELETE FROM loose_blob WHERE NOT condemned AND key IN (SELECT value FROM json_each(?));

-- name: deleted
UPDATE loose_blob SET deleted = 1 WHERE key IN (SELECT value FROM json_each(?));

-- name: forget
DELETE FROM loose_blob WHERE key IN
    (SELECT key FROM loose_blob WHERE deleted AND since < :before ORDER BY since LIMIT :limit);

-- name: in_use
SELECT 1 FROM content WHERE blob > '' LIMIT 1;

-- name: data_key
SELECT wrapped FROM mailbox_key WHERE mailbox_id = ?;

-- name: insert_data_key
INSERT INTO mailbox_key (mailbox_id, wrapped)
SELECT :mailbox, :fresh WHERE EXISTS (SELECT 1 FROM mailbox WHERE id = :mailbox)
    ON CONFLICT (mailbox_id) DO NOTHING;

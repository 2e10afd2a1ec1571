-- name: deleted
SELECT id, folder, uid, flags, kind, caller, received_at, utc_offset, seconds, size, deleted_at, purge_at
  FROM deleted_message WHERE mailbox_id = :mailbox AND id > :after ORDER BY id LIMIT :limit;

-- name: delete
SELECT delete_message(:mailbox, :folder, :uid, :unchanged_since, :owed::text::jsonb);

-- name: restore
WITH back AS MATERIALIZED (
    SELECT outcome, uid, used, most, unit FROM restore(:mailbox, :deleted, :owed::text::jsonb)),
noted AS (
    INSERT INTO deposit_key (mailbox_id, key, uid)
    SELECT :mailbox, :key, uid FROM back WHERE outcome = '' AND :key::text IS NOT NULL)
SELECT outcome, uid, used, most, unit FROM back;

-- name: restored
SELECT uid FROM deposit_key WHERE mailbox_id = :mailbox AND key = :key;

-- name: purge
SELECT purge_deleted(:now, :limit);

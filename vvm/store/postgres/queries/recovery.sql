-- name: deleted
SELECT id, folder, uid, flags, kind, caller, received_at, utc_offset, seconds, size, deleted_at, purge_at
  FROM deleted_message WHERE mailbox_id = :mailbox AND id > :after ORDER BY id LIMIT :limit;

-- name: delete
SELECT delete_message(:mailbox, :folder, :uid, :unchanged_since, :owed::text::jsonb);

-- name: restore
SELECT outcome, uid, used, most, unit FROM restore(:mailbox, :deleted, :owed::text::jsonb);

-- name: purge
SELECT purge_deleted(:now, :limit);

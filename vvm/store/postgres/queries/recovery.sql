-- name: deleted
SELECT id, folder, uid, flags, kind, caller, received_at, utc_offset, seconds, size, deleted_at, purge_at
  FROM deleted_message WHERE mailbox_id = :mailbox AND id > :after ORDER BY id LIMIT :limit;

-- name: lock_mailbox
SELECT id FROM mailbox WHERE id = :mailbox FOR UPDATE;

-- name: restorable
SELECT CASE WHEN greeting THEN 2 ELSE 1 END, size, seconds, flags & ~:dropped::bigint, keywords
  FROM deleted_message WHERE mailbox_id = :mailbox AND id = :id;

-- name: full_with
SELECT unit, used, most FROM full_with(:mailbox, :folder_id, 1, :size, :seconds);

-- name: allocate_message
UPDATE folder
   SET uid_next = uid_next + 1,
       highest_modseq = highest_modseq + 1,
       messages = messages + 1,
       unseen = unseen + :unseen,
       octets = octets + :size
 WHERE mailbox_id = :mailbox AND id = :folder_id
RETURNING uid_next - 1, highest_modseq, keywords;

-- name: restore
WITH back AS (
    DELETE FROM deleted_message WHERE mailbox_id = :mailbox AND id = :id RETURNING *),
message AS (
    INSERT INTO message (mailbox_id, folder_id, uid, modseq, flags, kind, caller, received_at, utc_offset,
                         seconds, size, content_id, keywords, original_id, original_size, identity)
    SELECT mailbox_id, :folder_id, :uid, :modseq, :flags, kind, caller, received_at, utc_offset,
           seconds, size, content_id, :keywords, original_id, original_size, identity
      FROM back)
SELECT 1;

-- name: note
INSERT INTO journal VALUES (:mailbox, :folder_id, :modseq, :uid, 'deposited');

-- name: purge
SELECT purge_deleted(:now, :limit);

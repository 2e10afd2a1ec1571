-- name: folders
SELECT name, special_use FROM folder WHERE mailbox_id = ? ORDER BY id;

-- name: folder_by_name
SELECT id, uid_validity, keywords FROM folder WHERE mailbox_id = :mailbox AND name = :name;

-- name: own_folders
SELECT count(*) FROM folder WHERE mailbox_id = :mailbox AND id > 2;

-- name: next_folder
-- A UIDVALIDITY that no folder of the mailbox had, nor one of a mailbox that its owner had before.
UPDATE mailbox
   SET next_folder = next_folder + 1,
       uid_validity = max(uid_validity + 1, :seconds,
                          (SELECT f.uid_validity + 1 FROM folder f WHERE f.mailbox_id = :mailbox AND f.id = 1))
 WHERE id = :mailbox
RETURNING next_folder - 1, uid_validity;

-- name: insert_folder
INSERT INTO folder (mailbox_id, id, name, uid_validity, max_messages)
SELECT :mailbox, :id, :name, :uid_validity, max_messages FROM folder WHERE mailbox_id = :mailbox AND id = 1;

-- name: set_special_use
UPDATE folder SET special_use = :special_use WHERE mailbox_id = :mailbox AND name = :name;

-- name: tree
-- A folder and those below it.
SELECT name FROM folder
 WHERE mailbox_id = :mailbox
   AND (name = :name OR substr(name, 1, length(:name) + 1) = :name || '/');

-- name: rename_tree
UPDATE folder SET name = :other || substr(name, length(:name) + 1)
 WHERE mailbox_id = :mailbox
   AND (name = :name OR substr(name, 1, length(:name) + 1) = :name || '/');

-- name: contents
SELECT uid, content_id, original_id FROM message WHERE mailbox_id = :mailbox AND folder_id = :id ORDER BY uid;

-- name: delete_folder
DELETE FROM folder WHERE mailbox_id = :mailbox AND id = :id;

-- name: delete_journal
DELETE FROM journal WHERE mailbox_id = :mailbox AND folder_id = :id;

-- name: subscribe
INSERT INTO subscription (mailbox_id, name) VALUES (:mailbox, :name) ON CONFLICT DO NOTHING;

-- name: unsubscribe
DELETE FROM subscription WHERE mailbox_id = :mailbox AND name = :name;

-- name: subscriptions
SELECT name FROM subscription WHERE mailbox_id = ? ORDER BY name;

-- name: named_messages
SELECT uid, flags, size, seconds, content_id, keywords FROM message
 WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND uid IN (SELECT value FROM json_each(:uids))
 ORDER BY uid;

-- name: allocate_messages
-- One statement decides, as for a deposit; :room is what the quota must have left.
UPDATE folder
   SET uid_next = uid_next + :messages,
       highest_modseq = highest_modseq + 1,
       messages = messages + :messages,
       unseen = unseen + :unseen,
       octets = octets + :octets
 WHERE mailbox_id = :mailbox AND id = :target_id
   AND (:room = 0 OR CASE id WHEN 2 THEN max_messages
       ELSE coalesce((SELECT q.max_messages FROM quota q WHERE q.mailbox_id = :mailbox), max_messages) END >= :room + CASE id WHEN 2 THEN messages ELSE
       (SELECT sum(f.messages) FROM folder f WHERE f.mailbox_id = :mailbox AND f.id <> 2) END)
   AND (:room = 0 OR (id = 2 OR NOT EXISTS (SELECT 1 FROM quota q WHERE q.mailbox_id = :mailbox AND (
       (q.max_octets IS NOT NULL AND q.max_octets < :octets + (SELECT sum(f.octets) FROM folder f
         WHERE f.mailbox_id = :mailbox AND f.id <> 2))
       OR (q.max_seconds IS NOT NULL AND q.max_seconds < :seconds + (SELECT coalesce(sum(m.seconds), 0)
         FROM message m WHERE m.mailbox_id = :mailbox AND m.folder_id <> 2))))))
RETURNING uid_next - :messages, highest_modseq;

-- name: copy_message
INSERT INTO message (mailbox_id, folder_id, uid, modseq, flags, kind, caller, received_at, utc_offset,
                     seconds, size, content_id, keywords, original_id, original_size, identity)
SELECT mailbox_id, :target_id, :copy, :modseq, flags & ~:left_behind, kind, caller, received_at, utc_offset,
       seconds, size, content_id, :keywords, original_id, original_size,
       coalesce(identity, :uid_validity || '-' || :folder_id || '-' || uid)
  FROM message WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND uid = :uid;

-- name: annotations
SELECT a.name, a.value FROM annotation a
 WHERE a.mailbox_id = :mailbox
   AND a.folder_id = CASE :folder WHEN '' THEN 0 ELSE
       (SELECT f.id FROM folder f WHERE f.mailbox_id = :mailbox AND f.name = :folder) END
 ORDER BY a.entry;

-- name: set_annotation
INSERT INTO annotation (mailbox_id, folder_id, entry, name, value)
VALUES (:mailbox, :folder_id, :entry, :name, :value)
    ON CONFLICT DO UPDATE SET name = excluded.name, value = excluded.value;

-- name: delete_annotation
DELETE FROM annotation WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND entry = :entry;

-- name: count_annotations
SELECT count(*) FROM annotation WHERE mailbox_id = :mailbox;

-- name: delete_annotations
DELETE FROM annotation WHERE mailbox_id = :mailbox AND folder_id = :id;

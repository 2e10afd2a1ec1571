-- name: folders
SELECT name, special_use FROM folder WHERE mailbox_id = :mailbox ORDER BY id;

-- name: lock_mailbox
SELECT id FROM mailbox WHERE id = :mailbox FOR UPDATE;

-- name: folder_by_name
SELECT id, uid_validity, keywords FROM folder WHERE mailbox_id = :mailbox AND name = :name;

-- name: own_folders
SELECT count(*) FROM folder WHERE mailbox_id = :mailbox AND id > 2;

-- name: next_folder
-- A UIDVALIDITY that no folder of the mailbox had, nor one of a mailbox that its owner had before.
UPDATE mailbox
   SET next_folder = next_folder + 1,
       uid_validity = greatest(uid_validity + 1, :seconds,
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
 WHERE mailbox_id = :mailbox AND (name = :name OR starts_with(name, :name || '/'));

-- name: rename_tree
UPDATE folder SET name = :other || substr(name, length(:name) + 1)
 WHERE mailbox_id = :mailbox AND (name = :name OR starts_with(name, :name || '/'));

-- name: let_go
SELECT let_go(:mailbox, :id, ARRAY(SELECT uid FROM message WHERE mailbox_id = :mailbox AND folder_id = :id));

-- name: delete_folder
WITH journal AS (DELETE FROM journal WHERE mailbox_id = :mailbox AND folder_id = :id),
     annotation AS (DELETE FROM annotation WHERE mailbox_id = :mailbox AND folder_id = :id)
DELETE FROM folder WHERE mailbox_id = :mailbox AND id = :id;

-- name: subscribe
INSERT INTO subscription (mailbox_id, name) VALUES (:mailbox, :name) ON CONFLICT DO NOTHING;

-- name: unsubscribe
DELETE FROM subscription WHERE mailbox_id = :mailbox AND name = :name;

-- name: subscriptions
SELECT name FROM subscription WHERE mailbox_id = :mailbox ORDER BY name;

-- name: used_messages
SELECT sum(messages) FROM folder WHERE mailbox_id = :mailbox AND id <> 2;

-- name: uids
SELECT uid FROM message WHERE mailbox_id = :mailbox AND folder_id = :folder_id ORDER BY uid;

-- name: named_messages
SELECT uid, flags, size, seconds, content_id, keywords FROM message
 WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND uid = ANY (:uids)
 ORDER BY uid;

-- name: full_with
SELECT unit, used, most FROM full_with(:mailbox, :target_id, :messages, :octets, :seconds);

-- name: allocate_messages
UPDATE folder
   SET uid_next = uid_next + :messages,
       highest_modseq = highest_modseq + 1,
       messages = messages + :messages,
       unseen = unseen + :unseen,
       octets = octets + :octets
 WHERE mailbox_id = :mailbox AND id = :target_id
RETURNING uid_next - :messages, highest_modseq;

-- name: copy_messages
WITH copied AS (
    INSERT INTO message (mailbox_id, folder_id, uid, modseq, flags, kind, caller, received_at, utc_offset,
                         seconds, size, content_id, keywords, original_id, original_size, identity)
    SELECT mailbox_id, :target_id, w.copy, :modseq, flags & ~:left_behind::bigint, kind, caller, received_at,
           utc_offset, seconds, size, content_id, w.keywords, original_id, original_size,
           coalesce(identity, :uid_validity::bigint || '-' || :folder_id::bigint || '-' || m.uid)
      FROM message m
      JOIN unnest(:uids::bigint[], :copies::bigint[], :keywords::text[]) AS w (uid, copy, keywords) ON w.uid = m.uid
     WHERE m.mailbox_id = :mailbox AND m.folder_id = :folder_id
    RETURNING uid)
INSERT INTO journal SELECT :mailbox, :target_id, :modseq, uid, 'deposited' FROM copied;

-- name: share_contents
INSERT INTO shared_content (mailbox_id, content_id, messages)
SELECT :mailbox, content, 1 + count(*) FROM unnest(:contents::bigint[]) AS content GROUP BY content
    ON CONFLICT (mailbox_id, content_id) DO UPDATE
   SET messages = shared_content.messages + excluded.messages - 1;

-- name: leave
-- The messages are in the target and no more here; their content stays.
WITH moved AS (
    UPDATE folder
       SET highest_modseq = highest_modseq + 1,
           messages = messages - :messages,
           unseen = unseen - :unseen,
           octets = octets - :octets
     WHERE mailbox_id = :mailbox AND id = :folder_id
    RETURNING highest_modseq),
gone AS (
    DELETE FROM message WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND uid = ANY (:uids)
    RETURNING uid)
INSERT INTO journal SELECT :mailbox, :folder_id, highest_modseq, uid, 'expunged' FROM moved, gone;

-- name: annotations
SELECT a.name, a.value FROM annotation a
 WHERE a.mailbox_id = :mailbox
   AND a.folder_id = CASE :folder::text WHEN '' THEN 0 ELSE
       (SELECT f.id FROM folder f WHERE f.mailbox_id = :mailbox AND f.name = :folder::text) END
 ORDER BY a.entry;

-- name: set_annotation
INSERT INTO annotation (mailbox_id, folder_id, entry, name, value)
VALUES (:mailbox, :folder_id, :entry, :name, :value)
    ON CONFLICT (mailbox_id, folder_id, entry) DO UPDATE SET name = excluded.name, value = excluded.value;

-- name: delete_annotation
DELETE FROM annotation WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND entry = :entry;

-- name: count_annotations
SELECT count(*) FROM annotation WHERE mailbox_id = :mailbox;

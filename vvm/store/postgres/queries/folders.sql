-- name: folders
SELECT name, special_use FROM folder WHERE mailbox_id = :mailbox ORDER BY id;

-- name: lock_mailbox
SELECT id FROM mailbox WHERE id = :mailbox FOR UPDATE;

-- name: folder_by_name
SELECT id FROM folder WHERE mailbox_id = :mailbox AND name = :name;

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

-- name: transfer
SELECT outcome, uid_validity, sources, copies, used, most, unit
  FROM transfer(:mailbox, :folder, :uids, :target, :moving, :owed::text::jsonb);

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

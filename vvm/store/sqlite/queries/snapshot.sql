-- name: schema
SELECT version FROM schema_version;

-- name: blob_keys
SELECT blob FROM content WHERE blob > ? ORDER BY blob LIMIT ?;

-- name: begin_mailboxes_anew
-- Greater than any that a folder of the mailbox had, with room for each of its folders.
UPDATE mailbox SET uid_validity = next_folder + max(?, uid_validity,
    coalesce((SELECT max(f.uid_validity) FROM folder f WHERE f.mailbox_id = mailbox.id), 0));

-- name: begin_folders_anew
UPDATE folder SET uid_validity =
    (SELECT m.uid_validity - m.next_folder + folder.id FROM mailbox m WHERE m.id = folder.mailbox_id);

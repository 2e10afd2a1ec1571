-- name: insert_content
INSERT INTO content (layout, octets) VALUES (?, ?);

-- name: insert_blob_content
-- No row back: the sweeper took the blob.
INSERT INTO content (layout, octets, blob, blob_size)
SELECT :layout, x'', :blob, :size WHERE NOT EXISTS (SELECT 1 FROM loose_blob WHERE key = :blob)
RETURNING id;

-- name: delete_content
DELETE FROM content WHERE id = ?;

-- name: share_content
INSERT INTO shared_content (mailbox_id, content_id, messages) VALUES (:mailbox, :content, 2)
    ON CONFLICT (mailbox_id, content_id) DO UPDATE SET messages = messages + 1;

-- name: release_shared
UPDATE shared_content SET messages = messages - 1
 WHERE mailbox_id = :mailbox AND content_id = :content
RETURNING messages;

-- name: forget_shared
DELETE FROM shared_content WHERE mailbox_id = :mailbox AND content_id = :content;

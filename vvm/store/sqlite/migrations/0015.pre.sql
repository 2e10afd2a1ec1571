-- What the content of a message is called, whatever folder its copies lie in.

-- UIDVALIDITY, folder and UID of where it was first; NULL: it is still there.
ALTER TABLE message ADD COLUMN identity TEXT;

-- Copies of one content from the time before: all are called after one of them.
UPDATE message AS copy SET identity =
    (SELECT f.uid_validity || '-' || f.id || '-' || first.uid
       FROM message first JOIN folder f ON f.mailbox_id = first.mailbox_id AND f.id = first.folder_id
      WHERE first.mailbox_id = copy.mailbox_id AND first.content_id = copy.content_id
      ORDER BY first.folder_id, first.uid LIMIT 1)
 WHERE EXISTS (SELECT 1 FROM shared_content s
                WHERE s.mailbox_id = copy.mailbox_id AND s.content_id = copy.content_id);

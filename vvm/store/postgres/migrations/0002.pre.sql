-- What the content of a message is called, whatever folder its copies lie in.

-- UIDVALIDITY, folder and UID of where it was first; NULL: it is still there.
ALTER TABLE message ADD COLUMN identity text;

-- Copies of one content from the time before: all are called after one of them.
UPDATE message AS copy SET identity = first.identity
  FROM (SELECT DISTINCT ON (m.mailbox_id, m.content_id) m.mailbox_id, m.content_id,
               f.uid_validity || '-' || f.id || '-' || m.uid AS identity
          FROM shared_content s
          JOIN message m ON m.mailbox_id = s.mailbox_id AND m.content_id = s.content_id
          JOIN folder f ON f.mailbox_id = m.mailbox_id AND f.id = m.folder_id
         ORDER BY m.mailbox_id, m.content_id, m.folder_id, m.uid) AS first
 WHERE first.mailbox_id = copy.mailbox_id AND first.content_id = copy.content_id;

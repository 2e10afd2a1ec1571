-- name: keeping
-- Whether a hold lies on the owner, for how many days its class of service keeps what is deleted, and now.
SELECT s.held, coalesce(c.deleted_days, 0),
       CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)
  FROM subscriber s LEFT JOIN cos c ON c.name = s.cos
 WHERE s.mailbox_id = ?;

-- name: deletable
SELECT m.folder_id, m.modseq, m.uid, m.flags, m.size, m.content_id, m.original_id
  FROM folder f JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
 WHERE f.mailbox_id = :mailbox AND f.name = :folder AND m.uid = :uid;

-- name: keep_message
INSERT INTO deleted_message (mailbox_id, folder, greeting, uid, flags, kind, caller, received_at, utc_offset,
                             seconds, size, content_id, keywords, original_id, original_size, identity,
                             deleted_at, purge_at)
SELECT m.mailbox_id, f.name, f.id = 2, m.uid, m.flags, m.kind, m.caller, m.received_at, m.utc_offset,
       m.seconds, m.size, m.content_id, m.keywords, m.original_id, m.original_size,
       coalesce(m.identity, f.uid_validity || '-' || f.id || '-' || m.uid), :now,
       :now + :days * 86400000000
  FROM message m
  JOIN folder f ON f.mailbox_id = m.mailbox_id AND f.id = m.folder_id
 WHERE m.mailbox_id = :mailbox AND m.folder_id = :folder_id AND m.uid = :uid;

-- name: delete_message
DELETE FROM message WHERE mailbox_id = ? AND folder_id = ? AND uid = ?;

-- name: deleted
SELECT id, folder, uid, flags, kind, caller, received_at, utc_offset, seconds, size, deleted_at, purge_at
  FROM deleted_message WHERE mailbox_id = :mailbox AND id > :after ORDER BY id LIMIT :limit;

-- name: restorable
SELECT CASE greeting WHEN 1 THEN 'Greetings' ELSE 'INBOX' END, size, seconds, flags & ~:dropped, keywords
  FROM deleted_message WHERE mailbox_id = :mailbox AND id = :id;

-- name: restore
INSERT INTO message (mailbox_id, folder_id, uid, modseq, flags, kind, caller, received_at, utc_offset,
                     seconds, size, content_id, keywords, original_id, original_size, identity)
SELECT mailbox_id, :folder_id, :uid, :modseq, :flags, kind, caller, received_at, utc_offset,
       seconds, size, content_id, :keywords, original_id, original_size, identity
  FROM deleted_message WHERE mailbox_id = :mailbox AND id = :id;

-- name: forget
DELETE FROM deleted_message WHERE id = ?;

-- name: due
SELECT id, mailbox_id, content_id, original_id FROM deleted_message d
 WHERE purge_at <= :now
   AND NOT EXISTS (SELECT 1 FROM subscriber s WHERE s.mailbox_id = d.mailbox_id AND s.held)
 ORDER BY purge_at LIMIT :limit;

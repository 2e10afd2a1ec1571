-- name: of_class
-- What is not asked is NULL, and no message is older than that.
SELECT s.id, s.mailbox_id, s.msisdn, s.status, s.client, s.language, s.setup_done, s.max_messages, s.imap_user,
       s.password_check, s.password_sealed, s.created_at, s.changed_at, s.pin_check, s.previous_check,
       s.previous_until, s.unanswered_syncs, s.fallback, s.cos, s.held, s.closing_at, s.closed_from,
       EXISTS (SELECT 1 FROM message m
                WHERE m.mailbox_id = s.mailbox_id AND m.folder_id <> 2
                  AND (m.received_at <= :expired OR (m.flags & 1 AND m.received_at <= :heard_expired))),
       EXISTS (SELECT 1 FROM message m
                WHERE m.mailbox_id = s.mailbox_id AND m.folder_id <> 2
                  AND m.received_at > max(s.expiry_told, :expired) AND m.received_at <= :announced)
  FROM subscriber s
 WHERE s.cos = :cos AND s.msisdn > :after AND NOT s.held AND s.closing_at IS NULL
 ORDER BY s.msisdn LIMIT :limit;

-- name: places
-- The folders of a mailbox in which messages may expire.
SELECT f.id FROM folder f JOIN subscriber s ON s.mailbox_id = f.mailbox_id
 WHERE f.mailbox_id = :mailbox AND f.id <> 2 AND NOT s.held AND s.closing_at IS NULL
 ORDER BY f.id;

-- name: expired
SELECT uid, flags, size, content_id, original_id FROM message
 WHERE mailbox_id = :mailbox AND folder_id = :folder_id
   AND (received_at <= :expired OR (flags & 1 AND received_at <= :heard_expired))
 ORDER BY uid;

-- name: announce
UPDATE subscriber SET expiry_told = :until WHERE id = :subscriber AND expiry_told < :until RETURNING id;

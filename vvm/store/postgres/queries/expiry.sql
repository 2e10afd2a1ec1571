-- name: of_class
-- What is not asked is NULL, and no message is older than that.  LATERAL: an EXISTS would be answered for all
-- mailboxes at once, by reading every message there is.
SELECT s.id, s.mailbox_id, s.msisdn, s.status, s.client, s.language, s.setup_done, s.max_messages, s.imap_user,
       s.password_check, s.password_sealed, s.created_at, s.changed_at, s.pin_check, s.previous_check,
       s.previous_until, s.unanswered_syncs, s.fallback, s.cos, s.held, s.closing_at, s.closed_from,
       coalesce(old.expired, false), coalesce(old.unannounced, false)
  FROM (SELECT * FROM subscriber
         WHERE cos = :cos AND msisdn > :after AND NOT held AND closing_at IS NULL
         ORDER BY msisdn LIMIT :limit) AS s
 CROSS JOIN LATERAL (
       SELECT bool_or(m.received_at <= :expired::bigint
                      OR (m.flags & 1 <> 0 AND m.received_at <= :heard_expired::bigint)) AS expired,
              bool_or(m.received_at > s.expiry_told AND m.received_at > :expired::bigint
                      AND m.received_at <= :announced::bigint) AS unannounced
         FROM message m WHERE m.mailbox_id = s.mailbox_id AND m.folder_id <> 2) AS old
 ORDER BY s.msisdn;

-- name: expire
SELECT expire(:mailbox, :expired::bigint, :heard_expired::bigint, :owed::text::jsonb);

-- name: announce
UPDATE subscriber SET expiry_told = :until WHERE id = :subscriber AND expiry_told < :until RETURNING id;

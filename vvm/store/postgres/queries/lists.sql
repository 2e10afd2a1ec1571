-- Lists with filters: conditions that vvm.store.conditions names, joined by AND.

-- name: subscribers
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at, pin_check, previous_check,
       previous_until, unanswered_syncs, fallback, cos, held, closing_at, closed_from
  FROM subscriber

-- name: cos
cos = :cos

-- name: no_cos
cos IS NULL

-- name: client_type
(client::json ->> 'client_type') = :client_type

-- name: language
language = :language

-- name: status
status = :status

-- name: with_prefix
substr(msisdn, 1, length(:prefix::text)) = :prefix::text

-- name: number_after
msisdn > :after

-- name: number_from
msisdn >= :prefix

-- name: number_before
msisdn < :beyond

-- name: changed_since
changed_at >= :since

-- name: changed_after
(changed_at, msisdn) > (:at, :after)

-- name: by_number
ORDER BY msisdn LIMIT :limit

-- name: by_change
ORDER BY changed_at, msisdn LIMIT :limit

-- name: audit
SELECT msisdn, at, trigger, before, after, reason, actor, id FROM audit

-- name: msisdn
msisdn = :msisdn

-- name: actor
actor = :actor

-- name: trigger
trigger = :trigger

-- name: older_than
(at, id) < (:at, :id)

-- name: before
at < :until

-- name: since
at >= :since

-- name: newest_first
ORDER BY at DESC, id DESC LIMIT :limit

-- name: messages
SELECT m.uid, m.flags, m.modseq, m.kind, m.caller, m.received_at, m.utc_offset, m.seconds, m.size, c.layout,
       m.keywords, coalesce(m.identity, f.uid_validity || '-' || f.id || '-' || m.uid)
  FROM folder f
  JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
  JOIN content c ON c.mailbox_id = m.mailbox_id AND c.id = m.content_id

-- name: uid_after
f.mailbox_id = :mailbox AND f.name = :folder AND m.uid > :after

-- name: is_seen
m.flags & :seen::bigint <> 0

-- name: is_new
m.flags & :seen::bigint = 0

-- name: from_caller
m.caller = :caller

-- name: from_restricted
m.caller IS NULL

-- name: received_since
m.received_at >= :since

-- name: by_uid
ORDER BY m.uid LIMIT :limit

-- name: create
-- One after the other, each seeing those before it.
SELECT made.outcome, made.id, made.mailbox_id
  FROM unnest(:given::text[], :checks::bytea[], :sealed::bytea[]) WITH ORDINALITY
       AS new (given, password_check, password_sealed, place)
  CROSS JOIN LATERAL create_subscriber(new.given::jsonb, new.password_check, new.password_sealed) AS made
 ORDER BY new.place;

-- name: delete_name
DELETE FROM directory WHERE name = :name AND kind = :kind;

-- name: subscriber_by_msisdn
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at, pin_check, previous_check,
       previous_until, unanswered_syncs, fallback, cos, held, closing_at, closed_from
  FROM subscriber WHERE id = (SELECT d.id FROM directory d WHERE d.name = :msisdn AND d.kind = 'msisdn');

-- name: locked_subscriber_by_msisdn
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at, pin_check, previous_check,
       previous_until, unanswered_syncs, fallback, cos, held, closing_at, closed_from
  FROM subscriber WHERE id = (SELECT d.id FROM directory d WHERE d.name = :msisdn AND d.kind = 'msisdn')
   FOR UPDATE;

-- name: subscriber_by_id
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at, pin_check, previous_check,
       previous_until, unanswered_syncs, fallback, cos, held, closing_at, closed_from
  FROM subscriber WHERE id = :id;

-- name: subscriber_by_imap_user
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at, pin_check, previous_check,
       previous_until, unanswered_syncs, fallback, cos, held, closing_at, closed_from
  FROM subscriber WHERE id = (SELECT d.id FROM directory d WHERE d.name = :user AND d.kind = 'imap_user');

-- name: subscribers_after
-- A walk through all: the directory is in the order of names; those that are aliases are left out.
SELECT s.id, s.mailbox_id, s.msisdn, s.status, s.client, s.language, s.setup_done, s.max_messages, s.imap_user,
       s.password_check, s.password_sealed, s.created_at, s.changed_at, s.pin_check, s.previous_check,
       s.previous_until, s.unanswered_syncs, s.fallback, s.cos, s.held, s.closing_at, s.closed_from
  FROM directory d
  JOIN subscriber s ON s.id = d.id AND s.msisdn = d.name
 WHERE d.name > :after AND d.kind = 'msisdn'
 ORDER BY d.name LIMIT :limit;

-- name: update_subscriber
UPDATE subscriber
   SET status = :status, client = :client, language = :language, setup_done = :setup_done,
       max_messages = :max_messages, password_check = :password_check,
       password_sealed = :password_sealed, changed_at = :changed_at, pin_check = :pin_check,
       previous_check = :previous_check, previous_until = :previous_until, fallback = :fallback,
       cos = nullif(:cos, ''), held = :held, closing_at = :closing_at, closed_from = :closed_from
 WHERE id = :id;

-- name: update_mailbox
UPDATE mailbox SET status = :status, cos = nullif(:cos, ''), held = :held WHERE id = :mailbox;

-- name: take_pin_try
-- One statement decides: no row back means that the PIN is locked, or that the subscriber is gone.
-- A lock that is over starts the count anew.
UPDATE subscriber
   SET pin_tries = CASE WHEN pin_locked_until > 0 THEN 1 ELSE pin_tries + 1 END,
       pin_locked_until = CASE
           WHEN (CASE WHEN pin_locked_until > 0 THEN 1 ELSE pin_tries + 1 END) >= :most THEN :locked_until::bigint
           ELSE 0 END
 WHERE id = :id AND pin_locked_until <= :now
RETURNING pin_tries;

-- name: forget_pin_tries
UPDATE subscriber SET pin_tries = 0, pin_locked_until = 0 WHERE id = :id;

-- name: limit_folders
UPDATE folder SET max_messages = :max_messages WHERE mailbox_id = :mailbox AND id <> 2;

-- name: lock_mailbox
SELECT id FROM mailbox WHERE id = :mailbox FOR UPDATE;

-- name: delete_mailbox
-- Everything that is keyed by a mailbox.
WITH message AS (DELETE FROM message WHERE mailbox_id = :mailbox),
     deleted_message AS (DELETE FROM deleted_message WHERE mailbox_id = :mailbox),
     content AS (DELETE FROM content WHERE mailbox_id = :mailbox),
     shared_content AS (DELETE FROM shared_content WHERE mailbox_id = :mailbox),
     deposit_key AS (DELETE FROM deposit_key WHERE mailbox_id = :mailbox),
     journal AS (DELETE FROM journal WHERE mailbox_id = :mailbox),
     subscription AS (DELETE FROM subscription WHERE mailbox_id = :mailbox),
     annotation AS (DELETE FROM annotation WHERE mailbox_id = :mailbox),
     folder AS (DELETE FROM folder WHERE mailbox_id = :mailbox),
     mailbox_key AS (DELETE FROM mailbox_key WHERE mailbox_id = :mailbox)
DELETE FROM mailbox WHERE id = :mailbox;

-- name: delete_owed
WITH gone AS (DELETE FROM outbox WHERE recipient = :msisdn AND subscriber_id = :id RETURNING id, message_ids),
     taken AS (SELECT gone.id, m.value FROM gone CROSS JOIN jsonb_each_text(gone.message_ids) AS m)
DELETE FROM receipt r USING taken
 WHERE r.message_id = ANY (ARRAY(SELECT value FROM taken))
   AND r.message_id = taken.value AND r.outbox_id = taken.id;

-- name: delete_devices
WITH gone AS (DELETE FROM device WHERE subscriber_id = :id RETURNING login)
DELETE FROM directory WHERE name = ANY (ARRAY(SELECT login FROM gone)) AND kind = 'device';

-- name: delete_aliases
WITH gone AS (DELETE FROM alias WHERE subscriber_id = :id RETURNING msisdn)
DELETE FROM directory WHERE name = ANY (ARRAY(SELECT msisdn FROM gone)) AND kind = 'msisdn';

-- name: delete_subscriber
WITH code AS (DELETE FROM device_code WHERE subscriber_id = :id),
     visit AS (DELETE FROM visit WHERE subscriber_id = :id)
DELETE FROM subscriber WHERE id = :id;

-- name: answered
UPDATE subscriber SET unanswered_syncs = 0 WHERE id = :id;

-- name: insert_audit
INSERT INTO audit (msisdn, at, trigger, before, after, reason, actor)
VALUES (:msisdn, :at, :trigger, :before, :after, :reason, :actor);

-- name: audit
SELECT msisdn, at, trigger, before, after, reason, actor FROM
    (SELECT * FROM audit WHERE msisdn = :msisdn ORDER BY id DESC LIMIT :limit) AS newest
 ORDER BY id;

-- name: cos_exists
-- And stays until the end of the transaction.
SELECT 1 FROM cos WHERE name = :cos FOR KEY SHARE;

-- name: closed
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at, pin_check, previous_check,
       previous_until, unanswered_syncs, fallback, cos, held, closing_at, closed_from
  FROM subscriber WHERE closing_at <= :now AND NOT held ORDER BY closing_at LIMIT :limit;

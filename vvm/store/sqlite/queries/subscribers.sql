-- name: insert_mailbox
INSERT INTO mailbox DEFAULT VALUES RETURNING id;

-- name: insert_folder
INSERT INTO folder (mailbox_id, id, name, uid_validity, max_messages)
VALUES (:mailbox, :folder, :name, :uid_validity, :max_messages);

-- name: insert_subscription
INSERT INTO subscription (mailbox_id, name) VALUES (:mailbox, :name);

-- name: insert_subscriber
INSERT INTO subscriber (mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
                        password_check, password_sealed, created_at, changed_at, pin_check, fallback, cos,
                        held, closing_at, closed_from)
VALUES (:mailbox, :msisdn, :status, :client, :language, :setup_done, :max_messages, :imap_user,
        :password_check, :password_sealed, :created_at, :created_at, :pin_check, :fallback, nullif(:cos, ''),
        :held, :closing_at, :closed_from)
RETURNING id;

-- name: insert_alias
INSERT INTO alias (msisdn, subscriber_id) VALUES (:msisdn, :subscriber);

-- name: subscriber_by_msisdn
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at, pin_check, previous_check,
       previous_until, unanswered_syncs, fallback, cos, held, closing_at, closed_from
  FROM subscriber
 WHERE id = coalesce((SELECT s.id FROM subscriber s WHERE s.msisdn = :msisdn),
                     (SELECT a.subscriber_id FROM alias a WHERE a.msisdn = :msisdn));

-- name: subscriber_by_id
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at, pin_check, previous_check,
       previous_until, unanswered_syncs, fallback, cos, held, closing_at, closed_from
  FROM subscriber WHERE id = ?;

-- name: subscriber_by_imap_user
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at, pin_check, previous_check,
       previous_until, unanswered_syncs, fallback, cos, held, closing_at, closed_from
  FROM subscriber WHERE imap_user = ?;

-- name: subscribers_after
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at, pin_check, previous_check,
       previous_until, unanswered_syncs, fallback, cos, held, closing_at, closed_from
  FROM subscriber WHERE msisdn > :after ORDER BY msisdn LIMIT :limit;

-- name: update_subscriber
UPDATE subscriber
   SET status = :status, client = :client, language = :language, setup_done = :setup_done,
       max_messages = :max_messages, password_check = :password_check,
       password_sealed = :password_sealed, changed_at = :changed_at, pin_check = :pin_check,
       previous_check = :previous_check, previous_until = :previous_until, fallback = :fallback,
       cos = nullif(:cos, ''), held = :held, closing_at = :closing_at, closed_from = :closed_from
 WHERE id = :id;

-- name: take_pin_try
-- One statement decides: no row back means that the PIN is locked, or that the subscriber is gone.
-- A lock that is over starts the count anew.
UPDATE subscriber
   SET pin_tries = CASE WHEN pin_locked_until > 0 THEN 1 ELSE pin_tries + 1 END,
       pin_locked_until = CASE
           WHEN (CASE WHEN pin_locked_until > 0 THEN 1 ELSE pin_tries + 1 END) >= :most THEN :locked_until
           ELSE 0 END
 WHERE id = :id AND pin_locked_until <= :now
RETURNING pin_tries;

-- name: forget_pin_tries
UPDATE subscriber SET pin_tries = 0, pin_locked_until = 0 WHERE id = ?;

-- name: limit_folders
UPDATE folder SET max_messages = :max_messages WHERE mailbox_id = :mailbox AND id <> 2;

-- name: delete_contents
DELETE FROM content WHERE id IN (
    SELECT content_id FROM message WHERE mailbox_id = :mailbox
    UNION ALL
    SELECT original_id FROM message WHERE mailbox_id = :mailbox AND original_id IS NOT NULL
    UNION ALL
    SELECT content_id FROM deleted_message WHERE mailbox_id = :mailbox
    UNION ALL
    SELECT original_id FROM deleted_message WHERE mailbox_id = :mailbox AND original_id IS NOT NULL
);

-- name: delete_messages
DELETE FROM message WHERE mailbox_id = :mailbox;

-- name: delete_deleted
DELETE FROM deleted_message WHERE mailbox_id = :mailbox;

-- name: delete_subscriber
DELETE FROM subscriber WHERE id = ?;

-- name: delete_journal
DELETE FROM journal WHERE mailbox_id = ?;

-- name: delete_mailbox
DELETE FROM mailbox WHERE id = ?;

-- name: answered
UPDATE subscriber SET unanswered_syncs = 0 WHERE id = ?;

-- name: insert_audit
INSERT INTO audit (msisdn, at, trigger, before, after, reason, actor)
VALUES (:msisdn, :at, :trigger, :before, :after, :reason, :actor);

-- name: audit
SELECT msisdn, at, trigger, before, after, reason, actor FROM
    (SELECT * FROM audit WHERE msisdn = :msisdn ORDER BY id DESC LIMIT :limit)
 ORDER BY id;

-- name: cos_exists
SELECT 1 FROM cos WHERE name = ?;

-- name: subscriber_exists
-- Or must not yet.
SELECT 1 FROM subscriber WHERE msisdn = :msisdn OR imap_user = :imap_user
UNION ALL SELECT 1 FROM alias WHERE msisdn = :msisdn
UNION ALL SELECT 1 FROM old_number WHERE msisdn = :msisdn AND until > :at
LIMIT 1;

-- name: number_quarantined
SELECT 1 FROM old_number WHERE msisdn = :msisdn AND until > :at;

-- name: closed
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at, pin_check, previous_check,
       previous_until, unanswered_syncs, fallback, cos, held, closing_at, closed_from
  FROM subscriber WHERE closing_at <= :now AND NOT held ORDER BY closing_at LIMIT :limit;

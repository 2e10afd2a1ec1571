-- name: insert_mailbox
INSERT INTO mailbox DEFAULT VALUES RETURNING id;

-- name: insert_folder
INSERT INTO folder (mailbox_id, id, name, uid_validity, max_messages)
VALUES (:mailbox, :folder, :name, :uid_validity, :max_messages);

-- name: insert_subscriber
INSERT INTO subscriber (mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
                        password_check, password_sealed, created_at, changed_at)
VALUES (:mailbox, :msisdn, :status, :client, :language, :setup_done, :max_messages, :imap_user,
        :password_check, :password_sealed, :created_at, :created_at)
RETURNING id;

-- name: subscriber_by_msisdn
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at
  FROM subscriber WHERE msisdn = ?;

-- name: subscriber_by_id
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at
  FROM subscriber WHERE id = ?;

-- name: subscriber_by_imap_user
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at
  FROM subscriber WHERE imap_user = ?;

-- name: subscribers_after
SELECT id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
       password_check, password_sealed, created_at, changed_at
  FROM subscriber WHERE msisdn > :after ORDER BY msisdn LIMIT :limit;

-- name: update_subscriber
UPDATE subscriber
   SET status = :status, client = :client, language = :language, setup_done = :setup_done,
       max_messages = :max_messages, password_check = :password_check,
       password_sealed = :password_sealed, changed_at = :changed_at
 WHERE id = :id;

-- name: limit_inbox
UPDATE folder SET max_messages = :max_messages WHERE mailbox_id = :mailbox AND name = 'INBOX';

-- name: delete_contents
DELETE FROM content WHERE id IN (SELECT content_id FROM message WHERE mailbox_id = ?);

-- name: delete_messages
DELETE FROM message WHERE mailbox_id = ?;

-- name: delete_subscriber
DELETE FROM subscriber WHERE id = ?;

-- name: delete_journal
DELETE FROM journal WHERE mailbox_id = ?;

-- name: delete_mailbox
DELETE FROM mailbox WHERE id = ?;

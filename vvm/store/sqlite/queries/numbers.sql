-- name: aliases
SELECT msisdn FROM alias WHERE subscriber_id = ? ORDER BY msisdn;

-- name: aliases_of
SELECT subscriber_id, msisdn FROM alias
 WHERE subscriber_id IN (SELECT value FROM json_each(:subscribers)) ORDER BY msisdn;

-- name: insert_alias
INSERT INTO alias (msisdn, subscriber_id) VALUES (:msisdn, :subscriber);

-- name: delete_alias
DELETE FROM alias WHERE msisdn = :msisdn AND subscriber_id = :subscriber RETURNING msisdn;

-- name: quarantined
-- From everybody but who had it.
SELECT 1 FROM old_number WHERE msisdn = :msisdn AND until > :at AND subscriber_id IS NOT :subscriber;

-- name: leave_quarantine
DELETE FROM old_number WHERE msisdn = ?;

-- name: quarantine
INSERT INTO old_number (msisdn, subscriber_id, until) VALUES (:msisdn, :subscriber, :until)
ON CONFLICT (msisdn) DO UPDATE SET subscriber_id = excluded.subscriber_id, until = excluded.until;

-- name: renumber
UPDATE subscriber SET msisdn = :msisdn, imap_user = :imap_user WHERE id = :subscriber;

-- name: former
SELECT subscriber_id FROM old_number WHERE msisdn = :msisdn AND until > :now AND subscriber_id IS NOT NULL;

-- name: end_quarantines
DELETE FROM old_number WHERE msisdn IN
    (SELECT msisdn FROM old_number WHERE until <= :now ORDER BY until LIMIT :limit);

-- name: aliases
SELECT msisdn FROM alias WHERE subscriber_id = :subscriber ORDER BY msisdn;

-- name: aliases_of
SELECT subscriber_id, msisdn FROM alias WHERE subscriber_id = ANY (:subscribers) ORDER BY msisdn;

-- name: insert_alias
INSERT INTO alias (subscriber_id, msisdn) VALUES (:subscriber, :msisdn);

-- name: delete_alias
DELETE FROM alias WHERE subscriber_id = :subscriber AND msisdn = :msisdn RETURNING msisdn;

-- name: insert_name
-- No row back: somebody is called so.
INSERT INTO directory (name, kind, id) VALUES (:name, :kind, :subscriber) ON CONFLICT DO NOTHING RETURNING id;

-- name: delete_name
DELETE FROM directory WHERE name = :name AND kind = :kind AND id = :subscriber;

-- name: quarantined
-- From everybody but who had it.  Asked when the name is ours already: whoever left it has committed.
SELECT 1 FROM old_number WHERE msisdn = :msisdn AND until > :at AND subscriber_id <> :subscriber;

-- name: leave_quarantine
DELETE FROM old_number WHERE msisdn = :msisdn;

-- name: quarantine
INSERT INTO old_number (msisdn, subscriber_id, until) VALUES (:msisdn, :subscriber, :until)
ON CONFLICT (msisdn) DO UPDATE SET subscriber_id = excluded.subscriber_id, until = excluded.until;

-- name: renumber
WITH mailbox AS (UPDATE mailbox SET msisdn = :msisdn WHERE id = :mailbox)
UPDATE subscriber SET msisdn = :msisdn, imap_user = :imap_user WHERE id = :subscriber;

-- name: former
SELECT subscriber_id FROM old_number WHERE msisdn = :msisdn AND until > :now;

-- name: end_quarantines
WITH gone AS (
    DELETE FROM old_number WHERE msisdn IN
        (SELECT msisdn FROM old_number WHERE until <= :now ORDER BY until LIMIT :limit)
    RETURNING msisdn)
SELECT count(*) FROM gone;

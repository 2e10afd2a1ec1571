-- name: lock_subscriber
SELECT id FROM subscriber WHERE id = :subscriber FOR UPDATE;

-- name: count_devices
SELECT count(*) FROM device WHERE subscriber_id = :subscriber;

-- name: insert_device
-- No row back: somebody else has this login.
WITH named AS (
    INSERT INTO directory (name, kind, id) VALUES (:login, 'device', nextval('device_ids'))
    ON CONFLICT DO NOTHING RETURNING id)
INSERT INTO device (id, subscriber_id, login, name, profile, password_check, password_sealed, created_at)
SELECT id, :subscriber, :login, :name, :profile, :password_check, :password_sealed, :created_at FROM named
RETURNING id;

-- name: device_by_login
SELECT id, subscriber_id, login, name, profile, password_check, password_sealed, created_at, last_used_at
  FROM device WHERE id = (SELECT d.id FROM directory d WHERE d.name = :login AND d.kind = 'device');

-- name: device_by_id
SELECT id, subscriber_id, login, name, profile, password_check, password_sealed, created_at, last_used_at
  FROM device WHERE id = :id;

-- name: devices_of
SELECT id, subscriber_id, login, name, profile, password_check, password_sealed, created_at, last_used_at
  FROM device WHERE subscriber_id = :subscriber ORDER BY id;

-- name: device_used
UPDATE device SET last_used_at = :at WHERE id = :id;

-- name: lock_device
SELECT id, subscriber_id, login, name, profile, password_check, password_sealed, created_at, last_used_at
  FROM device WHERE id = :id AND subscriber_id = :subscriber FOR UPDATE;

-- name: revoke_device
WITH gone AS (DELETE FROM device WHERE id = :id AND subscriber_id = :subscriber RETURNING login)
DELETE FROM directory WHERE name = (SELECT login FROM gone) AND kind = 'device' RETURNING id;

-- name: device_owner_status
SELECT status FROM subscriber WHERE id = (SELECT subscriber_id FROM device WHERE id = :id);

-- name: offer_code
INSERT INTO device_code (subscriber_id, code_check, code_sealed, expires_at)
VALUES (:subscriber, :check, :sealed, :expires_at)
ON CONFLICT (subscriber_id) DO UPDATE
   SET code_check = excluded.code_check, code_sealed = excluded.code_sealed,
       expires_at = excluded.expires_at, tries = 0;

-- name: offered_code
SELECT code_sealed FROM device_code WHERE subscriber_id = :subscriber AND expires_at > :now;

-- name: take_code_try
-- One statement decides: no row back means that there is no try left, or nothing to try.
UPDATE device_code SET tries = tries + 1
 WHERE subscriber_id = :subscriber AND expires_at > :now AND tries < :most
RETURNING code_check;

-- name: use_code
DELETE FROM device_code WHERE subscriber_id = :subscriber AND code_check = :check RETURNING subscriber_id;

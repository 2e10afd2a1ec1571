-- name: insert_device
INSERT INTO device (subscriber_id, login, name, profile, password_check, password_sealed, created_at)
VALUES (:subscriber, :login, :name, :profile, :password_check, :password_sealed, :created_at)
RETURNING id;

-- name: subscriber_exists
SELECT 1 FROM subscriber WHERE id = ?;

-- name: count_devices
SELECT count(*) FROM device WHERE subscriber_id = ?;

-- name: device_by_login
SELECT id, subscriber_id, login, name, profile, password_check, password_sealed, created_at, last_used_at
  FROM device WHERE login = ?;

-- name: device_by_id
SELECT id, subscriber_id, login, name, profile, password_check, password_sealed, created_at, last_used_at
  FROM device WHERE id = ?;

-- name: devices_of
SELECT id, subscriber_id, login, name, profile, password_check, password_sealed, created_at, last_used_at
  FROM device WHERE subscriber_id = ? ORDER BY id;

-- name: device_used
UPDATE device SET last_used_at = :at WHERE id = :id;

-- name: revoke_device
DELETE FROM device WHERE id = ?;

-- name: device_owner_status
SELECT subscriber.status FROM device JOIN subscriber ON subscriber.id = device.subscriber_id WHERE device.id = ?;

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

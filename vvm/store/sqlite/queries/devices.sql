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
DELETE FROM device WHERE id = :id AND subscriber_id = :subscriber RETURNING id;

-- name: device_owner_status
SELECT subscriber.status FROM device JOIN subscriber ON subscriber.id = device.subscriber_id WHERE device.id = ?;

-- name: insert_visit
-- The subscriber may be gone.
INSERT INTO visit (subscriber_id, device_id, act, detail, first_at, last_at, count)
SELECT id, :device, :act, :detail, :first_at, :last_at, :count FROM subscriber WHERE id = :subscriber;

-- name: keep_newest
DELETE FROM visit
 WHERE subscriber_id = :subscriber
   AND id <= (SELECT id FROM visit WHERE subscriber_id = :subscriber ORDER BY id DESC LIMIT 1 OFFSET :keep);

-- name: visits
SELECT subscriber_id, device_id, act, detail, first_at, last_at, count FROM
    (SELECT * FROM visit WHERE subscriber_id = :subscriber ORDER BY id DESC LIMIT :limit)
 ORDER BY id;

-- name: forget_visits
DELETE FROM visit WHERE id IN (SELECT id FROM visit WHERE last_at < :before ORDER BY last_at LIMIT :limit);

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
    (SELECT * FROM visit WHERE subscriber_id = :subscriber ORDER BY id DESC LIMIT :limit) AS newest
 ORDER BY id;

-- name: forget_visits
WITH old AS MATERIALIZED (
    SELECT subscriber_id, id FROM visit WHERE last_at < :before ORDER BY last_at LIMIT :limit),
gone AS (
    DELETE FROM visit v USING old WHERE v.subscriber_id = old.subscriber_id AND v.id = old.id RETURNING v.id)
SELECT count(*) FROM gone;

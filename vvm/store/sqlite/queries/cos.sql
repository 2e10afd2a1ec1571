-- name: put_cos
INSERT INTO cos (name, limits, changed_at) VALUES (:name, :limits, :changed_at)
ON CONFLICT (name) DO UPDATE SET limits = excluded.limits, changed_at = excluded.changed_at;

-- name: cos_by_name
SELECT name, limits, changed_at FROM cos WHERE name = ?;

-- name: cos_after
SELECT name, limits, changed_at FROM cos WHERE name > :after ORDER BY name LIMIT :limit;

-- name: delete_cos
DELETE FROM cos WHERE name = ?;

-- name: limits_of
SELECT c.limits FROM subscriber s JOIN cos c ON c.name = s.cos WHERE s.mailbox_id = ?;

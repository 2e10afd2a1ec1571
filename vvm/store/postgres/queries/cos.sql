-- name: insert_cos
-- Of two that add the same class the second fails, is run again, and then finds the first one's.
INSERT INTO cos (name, limits, changed_at) VALUES (:name, :limits, :changed_at);

-- name: update_cos
UPDATE cos SET limits = :limits, changed_at = :changed_at WHERE name = :name;

-- name: cos_by_name
SELECT name, limits, changed_at FROM cos WHERE name = :name;

-- name: lock_cos
SELECT name, limits, changed_at FROM cos WHERE name = :name FOR UPDATE;

-- name: cos_after
SELECT name, limits, changed_at FROM cos WHERE name > :after ORDER BY name LIMIT :limit;

-- name: cos_in_use
SELECT 1 FROM subscriber WHERE cos = :name LIMIT 1;

-- name: delete_cos
DELETE FROM cos WHERE name = :name;

-- name: limits_of
SELECT c.limits FROM mailbox b JOIN cos c ON c.name = b.cos WHERE b.id = :mailbox;

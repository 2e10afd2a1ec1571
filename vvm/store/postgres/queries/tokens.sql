-- name: insert_token
INSERT INTO token (name, role, digest, scopes, rate, created_at, expires_at)
VALUES (:name, :role, :digest, :scopes, :rate, :created_at, :expires_at)
ON CONFLICT (name) DO NOTHING RETURNING name;

-- name: token_by_digest
SELECT name, role, digest, scopes, rate, created_at, expires_at FROM token WHERE digest = :digest;

-- name: tokens
SELECT name, role, digest, scopes, rate, created_at, expires_at FROM token ORDER BY name;

-- name: delete_token
DELETE FROM token WHERE name = :name RETURNING name;

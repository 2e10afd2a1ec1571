-- name: claim_request
INSERT INTO kept_request (key, request, busy_until, expires_at)
VALUES (:key, :request, :busy_until, :expires_at)
ON CONFLICT (key) DO UPDATE
   SET request = excluded.request, answer = NULL, busy_until = excluded.busy_until, expires_at = excluded.expires_at
 WHERE expires_at <= :now
    OR (:again AND answer IS NULL AND busy_until <= :now AND request = excluded.request)
RETURNING key;

-- name: request_by_key
SELECT request, answer, busy_until FROM kept_request WHERE key = :key;

-- name: finish_request
UPDATE kept_request SET answer = :answer WHERE key = :key;

-- name: release_request
DELETE FROM kept_request WHERE key = :key AND answer IS NULL;

-- name: forget_requests
DELETE FROM kept_request
 WHERE key IN (SELECT key FROM kept_request WHERE expires_at < :before ORDER BY expires_at LIMIT :limit)
RETURNING key;

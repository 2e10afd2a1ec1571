-- name: sealed
SELECT imap_user, password_sealed FROM subscriber LIMIT 1;

-- name: sealed
SELECT imap_user, password_sealed FROM subscriber WHERE id > 0 LIMIT 1;

-- name: marked
SELECT role, place FROM handover;

-- name: in_blobs
SELECT 1 FROM content WHERE blob > '' LIMIT 1;

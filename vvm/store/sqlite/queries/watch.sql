-- name: newest
SELECT coalesce(max(id), 0) FROM journal;

-- name: moved_since
SELECT DISTINCT mailbox_id FROM journal WHERE id > ?;

-- name: newest
SELECT coalesce(max(id), 0) FROM journal;

-- name: moved_since
-- By row id: the planner would rather read the whole index, because of DISTINCT.
SELECT DISTINCT mailbox_id FROM journal NOT INDEXED WHERE id > ?;

-- name: moved_to
SELECT place FROM handover WHERE role = 'source' LIMIT 1;

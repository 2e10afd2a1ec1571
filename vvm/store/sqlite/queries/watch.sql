-- name: newest
SELECT coalesce((SELECT max(id) FROM journal), 0), coalesce((SELECT max(id) FROM audit), 0);

-- name: moved_since
-- By row id: the planner would rather read the whole index, because of DISTINCT.
SELECT DISTINCT mailbox_id FROM journal NOT INDEXED WHERE id > ?;

-- name: decided_since
-- Whose status has changed: their sessions may have to end.
SELECT DISTINCT subscriber.mailbox_id FROM audit NOT INDEXED CROSS JOIN subscriber
    ON subscriber.msisdn = audit.msisdn WHERE audit.id > ?;

-- name: moved_to
SELECT place FROM handover WHERE role = 'source' LIMIT 1;

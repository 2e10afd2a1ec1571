-- name: moved_to
SELECT place FROM handover WHERE role = 'source';

-- name: time
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

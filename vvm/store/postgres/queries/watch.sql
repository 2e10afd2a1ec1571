-- name: moved_to
SELECT place FROM handover WHERE role = 'source';

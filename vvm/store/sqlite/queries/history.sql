-- name: old_changes
-- In the order of their ids, which is that of their times: the oldest is the first to look at.
SELECT id, mailbox_id, folder_id, modseq FROM
    (SELECT id, mailbox_id, folder_id, modseq, at FROM journal WHERE id > 0 ORDER BY id LIMIT :limit)
 WHERE at > 0 AND at < :before;

-- name: begin_journal
UPDATE folder SET journal_from = max(journal_from, ?) WHERE mailbox_id = ? AND id = ?;

-- name: delete_change
DELETE FROM journal WHERE id = ?;

-- name: forget_deposit_keys
DELETE FROM deposit_key WHERE (mailbox_id, key) IN
    (SELECT mailbox_id, key FROM deposit_key WHERE at > 0 AND at < :before ORDER BY at LIMIT :limit);

-- name: forget_audit
DELETE FROM audit
 WHERE id IN (SELECT id FROM (SELECT id, at FROM audit WHERE id > 0 ORDER BY id LIMIT :limit) WHERE at < :before);

-- name: forget_changes
-- Each folder notes where its journal begins from now on.
WITH old AS MATERIALIZED (
    SELECT mailbox_id, folder_id, modseq, uid FROM journal WHERE at < :before ORDER BY at LIMIT :limit),
gone AS (
    DELETE FROM journal j USING old
     WHERE j.mailbox_id = old.mailbox_id AND j.folder_id = old.folder_id
       AND j.modseq = old.modseq AND j.uid = old.uid
    RETURNING j.mailbox_id, j.folder_id, j.modseq),
begun AS (
    UPDATE folder f SET journal_from = greatest(f.journal_from, g.modseq)
      FROM (SELECT mailbox_id, folder_id, max(modseq) AS modseq FROM gone GROUP BY mailbox_id, folder_id) AS g
     WHERE f.mailbox_id = g.mailbox_id AND f.id = g.folder_id)
SELECT count(*) FROM gone;

-- name: forget_deposit_keys
WITH old AS MATERIALIZED (SELECT mailbox_id, key FROM deposit_key WHERE at < :before ORDER BY at LIMIT :limit),
gone AS (
    DELETE FROM deposit_key t USING old
     WHERE t.mailbox_id = old.mailbox_id AND t.key = old.key
    RETURNING t.mailbox_id)
SELECT count(*) FROM gone;

-- name: forget_audit
WITH old AS MATERIALIZED (SELECT msisdn, id FROM audit WHERE at < :before ORDER BY at LIMIT :limit),
gone AS (
    DELETE FROM audit t USING old
     WHERE t.msisdn = old.msisdn AND t.id = old.id
    RETURNING t.msisdn)
SELECT count(*) FROM gone;

-- name: insert_owed
INSERT INTO outbox (subscriber_id, recipient, cause, uid, return_code, due_at, expires_at)
VALUES (:subscriber, :recipient, :cause, :uid, :return_code, :due_at, :expires_at);

-- name: due
SELECT id, recipient, subscriber_id, cause, uid, return_code, attempts, expires_at
  FROM outbox WHERE state = 'owed' AND due_at <= :now
 ORDER BY due_at, id LIMIT :limit;

-- name: lease
UPDATE outbox SET due_at = ?, attempts = attempts + 1 WHERE id = ?;

-- name: segments
SELECT segment FROM segment WHERE outbox_id = ?;

-- name: accept_segment
-- The row may be gone with its subscriber.  WHERE keeps ON CONFLICT from being read as a join.
INSERT INTO segment (outbox_id, segment, total, message_id)
SELECT id, :segment, :total, :message_id FROM outbox WHERE id = :row
ON CONFLICT (outbox_id, segment) DO UPDATE SET message_id = excluded.message_id, total = excluded.total;

-- name: retry
-- A row whose lease was lost to another worker has another attempt by now, and is left alone.
UPDATE outbox SET due_at = :due_at, attempts = attempts - :taken_back, smpp_status = :status
 WHERE id = :row AND state = 'owed' AND attempts = :attempt;

-- name: settle
UPDATE outbox SET state = :state, settled_at = :now, smpp_status = coalesce(:status, smpp_status)
 WHERE id = :row AND state = 'owed';

-- name: row_of_message_id
-- The newest, because some SMSCs use an id again.
SELECT s.outbox_id, s.segment FROM segment s JOIN outbox o ON o.id = s.outbox_id
 WHERE s.message_id = ? ORDER BY s.outbox_id DESC, s.segment LIMIT 1;

-- name: mark_delivered
UPDATE segment SET delivered = 1 WHERE outbox_id = ? AND segment = ?;

-- name: delivered_whole
SELECT count(*) = max(total) AND sum(delivered) = max(total) FROM segment WHERE outbox_id = ?;

-- name: close_sent
UPDATE outbox SET state = :state, settled_at = :now WHERE id = :row AND state IN ('owed', 'sent');

-- name: counts
SELECT count(*), min(due_at) FROM outbox WHERE state = 'owed';

-- name: next_due
SELECT due_at FROM outbox WHERE state = 'owed' ORDER BY due_at LIMIT 1;

-- name: insert_inbound
INSERT INTO inbound (key, originator, destination, text, received_at)
VALUES (:key, :originator, :destination, :text, :received_at)
ON CONFLICT (key) DO NOTHING RETURNING id;

-- name: pending_inbound
SELECT id, originator, destination, text, received_at FROM inbound WHERE settled = 0 ORDER BY id LIMIT ?;

-- name: settle_inbound
UPDATE inbound SET settled = 1 WHERE id = ? AND settled = 0 RETURNING id;

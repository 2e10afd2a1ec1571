-- Notifications join while they wait; STATUS goes first; a gate per recipient until a receipt.

ALTER TABLE outbox ADD COLUMN family TEXT NOT NULL DEFAULT 'sync';
UPDATE outbox SET family = 'status' WHERE cause = 'status';
ALTER TABLE outbox ADD COLUMN owed_at INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET owed_at = due_at;
ALTER TABLE outbox ADD COLUMN leased INTEGER NOT NULL DEFAULT 0;  -- in a worker's hands, or forgotten there
ALTER TABLE outbox ADD COLUMN taken_at INTEGER;                   -- the last lease
ALTER TABLE outbox ADD COLUMN held INTEGER NOT NULL DEFAULT 0;    -- not due only because of a gate
ALTER TABLE outbox ADD COLUMN gated_until INTEGER;                -- of a sent row without its receipt

DROP INDEX outbox_owed;
CREATE INDEX outbox_due ON outbox (family, due_at, id) WHERE state = 'owed';
CREATE INDEX outbox_next ON outbox (due_at) WHERE state = 'owed';
CREATE INDEX outbox_waiting ON outbox (recipient, family) WHERE state = 'owed';
CREATE INDEX outbox_taken ON outbox (recipient, family, taken_at);
CREATE INDEX outbox_gate ON outbox (recipient, gated_until) WHERE gated_until IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (id) WHERE state IN ('failed', 'expired');
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL;

ALTER TABLE segment ADD COLUMN accepted_at INTEGER;

CREATE INDEX inbound_settled ON inbound (received_at) WHERE settled = 1;

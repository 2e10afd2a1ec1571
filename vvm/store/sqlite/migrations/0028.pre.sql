-- The way of a notification: whose client it was for, which SMSC took it, and when the client came for it.

ALTER TABLE outbox ADD COLUMN carrier TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN smsc TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN to_client INTEGER NOT NULL DEFAULT 0;  -- a client read it, and not a person
ALTER TABLE outbox ADD COLUMN fetched_at INTEGER;

-- Notifications leave by carrier, which take turns.

CREATE INDEX outbox_due_by_carrier ON outbox (carrier, family, due_at, id) WHERE state = 'owed';
CREATE INDEX outbox_next_by_carrier ON outbox (carrier, due_at) WHERE state = 'owed';

-- The way of a notification: whose client it was for, which SMSC took it, and when the client came for it.

ALTER TABLE outbox ADD COLUMN carrier text COLLATE "C" NOT NULL DEFAULT '',
                   ADD COLUMN smsc text NOT NULL DEFAULT '',
                   ADD COLUMN to_client boolean NOT NULL DEFAULT false,  -- a client read it, and not a person
                   ADD COLUMN fetched_at bigint;

-- Notifications leave by carrier, which take turns.

CREATE INDEX outbox_due_by_carrier ON outbox (carrier, family, due_at, id) WHERE state = 'owed';
CREATE INDEX outbox_next_by_carrier ON outbox (carrier, due_at) WHERE state = 'owed';

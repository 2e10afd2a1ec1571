-- Who has a row in hands, so that its next life takes the row back at once.

ALTER TABLE outbox ADD COLUMN holder TEXT NOT NULL DEFAULT '';
CREATE INDEX outbox_held ON outbox (holder) WHERE leased = 1;

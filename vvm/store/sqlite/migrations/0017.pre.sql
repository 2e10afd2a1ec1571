-- What only grew for ever is forgotten after a time, and so has one.  0: older than this step; its .post
-- gives it the time of the upgrade.

ALTER TABLE journal ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folder ADD COLUMN journal_from INTEGER NOT NULL DEFAULT 0;  -- what moved up to this MODSEQ is forgotten

ALTER TABLE deposit_key ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deposit_key_by_age ON deposit_key (at);

ALTER TABLE schema_version ADD COLUMN post INTEGER NOT NULL DEFAULT 0;  -- the last .post step that ran

-- What only grew for ever is forgotten after a time, and so has one.  Older rows get that of this step.

ALTER TABLE journal ADD COLUMN at bigint NOT NULL DEFAULT (extract(epoch FROM now()) * 1000000)::bigint;
CREATE INDEX journal_by_age ON journal (at);
ALTER TABLE folder ADD COLUMN journal_from bigint NOT NULL DEFAULT 0;  -- what moved up to this MODSEQ is forgotten

ALTER TABLE deposit_key ADD COLUMN at bigint NOT NULL DEFAULT (extract(epoch FROM now()) * 1000000)::bigint;
CREATE INDEX deposit_key_by_age ON deposit_key (at);

CREATE INDEX audit_by_age ON audit (at);

ALTER TABLE schema_version ADD COLUMN post integer NOT NULL DEFAULT 0;  -- the last .post step that ran

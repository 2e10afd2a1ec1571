-- Redeliveries of SMS from handsets are told by what was heard, whichever node heard it.

-- A handset that asks again has the same key.  Nodes of an older release still write one.
ALTER TABLE inbound ALTER COLUMN key SET DEFAULT '';

-- SMS that have a name, which makes their key theirs alone.
ALTER TABLE inbound_key ADD COLUMN received_at bigint NOT NULL DEFAULT 0;
CREATE INDEX inbound_key_by_age ON inbound_key (received_at);

-- The last SMS of each handset.
CREATE TABLE inbound_last (
    originator  text   NOT NULL,
    key         text   NOT NULL,
    received_at bigint NOT NULL,
    PRIMARY KEY (originator)
) PARTITION BY HASH (originator);
CREATE INDEX inbound_last_by_age ON inbound_last (received_at);
SELECT make_partitions('inbound_last');

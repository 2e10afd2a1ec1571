-- Redeliveries of SMS from handsets are told by what was heard, whichever process heard it.

-- The key is no more the row's own: a handset that asks again has the same.
CREATE TABLE inbound_kept (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    originator  TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    settled     INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO inbound_kept SELECT id, originator, destination, text, received_at, settled FROM inbound;
DROP TABLE inbound;
ALTER TABLE inbound_kept RENAME TO inbound;
CREATE INDEX inbound_pending ON inbound (id) WHERE settled = 0;
CREATE INDEX inbound_settled ON inbound (received_at) WHERE settled = 1;
CREATE INDEX inbound_by_originator ON inbound (originator, id);

-- SMS that have a name, which makes their key theirs alone.
CREATE TABLE inbound_key (
    key         TEXT    NOT NULL PRIMARY KEY,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX inbound_key_by_age ON inbound_key (received_at);

-- The last SMS of each handset.
CREATE TABLE inbound_last (
    originator  TEXT    NOT NULL PRIMARY KEY,
    key         TEXT    NOT NULL,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX inbound_last_by_age ON inbound_last (received_at);

-- Pieces of concatenated SMS from handsets, each kept before it is acknowledged.

CREATE TABLE inbound_segment (
    key        TEXT    NOT NULL,  -- of the SMS
    segment    INTEGER NOT NULL,
    octets     BLOB    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (key, segment)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbound_segment_by_expiry ON inbound_segment (expires_at);

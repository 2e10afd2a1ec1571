-- The timeline of a number: what its clients did over IMAP.

CREATE TABLE visit (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
    device_id     INTEGER,           -- of a device that may be revoked since
    act           TEXT    NOT NULL,
    detail        TEXT    NOT NULL,
    first_at      INTEGER NOT NULL,
    last_at       INTEGER NOT NULL,
    count         INTEGER NOT NULL
) STRICT;
CREATE INDEX visit_by_subscriber ON visit (subscriber_id, id);
CREATE INDEX visit_by_end ON visit (last_at);

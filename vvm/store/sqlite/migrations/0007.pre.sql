-- Credentials of one device, beside those that STATUS tells.

CREATE TABLE device (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber_id   INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
    login           TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    profile         TEXT    NOT NULL,
    password_check  BLOB    NOT NULL,
    password_sealed BLOB    NOT NULL,
    created_at      INTEGER NOT NULL,
    last_used_at    INTEGER
) STRICT;
CREATE INDEX device_by_subscriber ON device (subscriber_id, id);

-- One-time codes, by which a subscriber adds a device without an operator.

CREATE TABLE device_code (
    subscriber_id INTEGER PRIMARY KEY REFERENCES subscriber (id) ON DELETE CASCADE,
    code_check    BLOB    NOT NULL,
    code_sealed   BLOB    NOT NULL,
    expires_at    INTEGER NOT NULL,
    tries         INTEGER NOT NULL DEFAULT 0
) STRICT;

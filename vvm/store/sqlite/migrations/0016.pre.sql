-- Deleted messages that can be restored, and subscribers of whom nothing is deleted.

ALTER TABLE cos ADD COLUMN deleted_days INTEGER GENERATED ALWAYS AS (json_extract(limits, '$.deleted_days'));
ALTER TABLE subscriber ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- A message that was, with the content that it keeps until it is restored or purged.
CREATE TABLE deleted_message (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    mailbox_id    INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
    folder        TEXT    NOT NULL,  -- its name at that moment
    greeting      INTEGER NOT NULL,  -- it was in Greetings, and goes back there
    uid           INTEGER NOT NULL,
    flags         INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    caller        TEXT,
    received_at   INTEGER NOT NULL,
    utc_offset    INTEGER NOT NULL,
    seconds       INTEGER NOT NULL,
    size          INTEGER NOT NULL,
    content_id    INTEGER NOT NULL,  -- no foreign key, as in message
    keywords      TEXT,
    original_id   INTEGER,
    original_size INTEGER,
    identity      TEXT    NOT NULL,  -- as in message
    deleted_at    INTEGER NOT NULL,
    purge_at      INTEGER NOT NULL   -- as its class of service said when it was deleted
) STRICT;
CREATE INDEX deleted_message_by_mailbox ON deleted_message (mailbox_id, id);
CREATE INDEX deleted_message_by_end ON deleted_message (purge_at);

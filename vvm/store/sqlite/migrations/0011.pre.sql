-- Octets outside of the database: the content names its blob, and its octets are empty.

ALTER TABLE content ADD COLUMN blob TEXT;
ALTER TABLE content ADD COLUMN blob_size INTEGER;
CREATE UNIQUE INDEX content_by_blob ON content (blob) WHERE blob IS NOT NULL;

-- Blobs that no content has and none will have.
CREATE TABLE loose_blob (
    key       TEXT    NOT NULL PRIMARY KEY,
    since     INTEGER NOT NULL,
    condemned INTEGER NOT NULL DEFAULT 0,  -- by the sweeper, and not by the end of its content
    deleted   INTEGER NOT NULL DEFAULT 0   -- a condemned one is remembered: its row may still be on its way
) STRICT, WITHOUT ROWID;
CREATE INDEX loose_blob_waiting ON loose_blob (since, key) WHERE NOT deleted;
CREATE INDEX loose_blob_deleted ON loose_blob (since) WHERE deleted;

-- A trigger, so that no statement that deletes content can forget the blob.
CREATE TRIGGER content_released AFTER DELETE ON content WHEN old.blob IS NOT NULL
BEGIN
    INSERT INTO loose_blob (key, since) VALUES (old.blob, unixepoch() * 1000000);
END;

-- Wrapped by the master key.  It goes with its mailbox, and with it whatever it has encrypted.
CREATE TABLE mailbox_key (
    mailbox_id INTEGER PRIMARY KEY REFERENCES mailbox (id) ON DELETE CASCADE,
    wrapped    BLOB NOT NULL
) STRICT;

-- Folders of the subscriber's own, keywords, content that several messages share, originals.

ALTER TABLE mailbox ADD COLUMN next_folder INTEGER NOT NULL DEFAULT 3;   -- ids are never used twice
ALTER TABLE mailbox ADD COLUMN uid_validity INTEGER NOT NULL DEFAULT 0;  -- the last one given to a folder of its own

ALTER TABLE folder ADD COLUMN special_use TEXT;
ALTER TABLE folder ADD COLUMN keywords TEXT NOT NULL DEFAULT '';  -- names with a space between, in the order of arrival

ALTER TABLE message ADD COLUMN keywords TEXT;          -- as above; NULL: none
ALTER TABLE message ADD COLUMN original_id INTEGER;    -- a content, as the depositor wrote it
ALTER TABLE message ADD COLUMN original_size INTEGER;

-- Content of several messages.  One that is not here has one message.
CREATE TABLE shared_content (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
    content_id INTEGER NOT NULL,
    messages   INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, content_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE subscription (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,  -- of a folder that may be gone
    PRIMARY KEY (mailbox_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO subscription (mailbox_id, name) SELECT mailbox_id, name FROM folder;

-- Annotations of a mailbox and of its folders (RFC 5464).

CREATE TABLE annotation (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
    folder_id  INTEGER NOT NULL,  -- 0: the mailbox as a whole
    entry      TEXT    NOT NULL,  -- the name in lower case
    name       TEXT    NOT NULL,
    value      BLOB    NOT NULL,
    PRIMARY KEY (mailbox_id, folder_id, entry)
) STRICT, WITHOUT ROWID;

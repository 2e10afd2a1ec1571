-- The first schema.  Times are UTC, in microseconds.  Every table of a mailbox is keyed by it first.

CREATE TABLE schema_version (
    version    INTEGER NOT NULL,  -- the last step that ran
    compatible INTEGER NOT NULL   -- the oldest release, by its own version, that may open this file
) STRICT;
INSERT INTO schema_version VALUES (0, 0);

CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT  -- never used twice: journals outlive mailboxes
) STRICT;

CREATE TABLE subscriber (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    mailbox_id      INTEGER NOT NULL REFERENCES mailbox (id),
    msisdn          TEXT    NOT NULL UNIQUE,
    status          TEXT    NOT NULL,
    client          TEXT    NOT NULL,  -- JSON of domain.subscriber.ClientProfile
    language        TEXT    NOT NULL,
    setup_done      INTEGER NOT NULL,
    max_messages    INTEGER NOT NULL,
    imap_user       TEXT    NOT NULL UNIQUE,
    password_check  BLOB    NOT NULL,
    password_sealed BLOB    NOT NULL,
    created_at      INTEGER NOT NULL,
    changed_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX subscriber_by_mailbox ON subscriber (mailbox_id);

CREATE TABLE folder (
    mailbox_id     INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
    id             INTEGER NOT NULL,  -- within the mailbox; 1 is INBOX
    name           TEXT    NOT NULL,
    uid_validity   INTEGER NOT NULL,
    uid_next       INTEGER NOT NULL DEFAULT 1,
    highest_modseq INTEGER NOT NULL DEFAULT 1,
    messages       INTEGER NOT NULL DEFAULT 0,
    unseen         INTEGER NOT NULL DEFAULT 0,
    octets         INTEGER NOT NULL DEFAULT 0,
    max_messages   INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, id),
    UNIQUE (mailbox_id, name)
) STRICT, WITHOUT ROWID;

-- What never changes of a message.  The layout stands before the octets, so that reading it touches
-- no overflow page of theirs.
CREATE TABLE content (
    id     INTEGER PRIMARY KEY,
    layout BLOB NOT NULL,  -- MessagePack of store.port.Layout
    octets BLOB NOT NULL
) STRICT;

-- What changes, kept narrow: a SELECT reads all of it.
CREATE TABLE message (
    mailbox_id  INTEGER NOT NULL,
    folder_id   INTEGER NOT NULL,
    uid         INTEGER NOT NULL,
    modseq      INTEGER NOT NULL,
    flags       INTEGER NOT NULL DEFAULT 0,
    kind        TEXT    NOT NULL,
    caller      TEXT,
    received_at INTEGER NOT NULL,
    utc_offset  INTEGER NOT NULL,  -- seconds; the zone that Date and SYNC show
    seconds     INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    content_id  INTEGER NOT NULL,  -- no foreign key: to check one, each expunge would scan this table
    PRIMARY KEY (mailbox_id, folder_id, uid),
    FOREIGN KEY (mailbox_id, folder_id) REFERENCES folder (mailbox_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE deposit_key (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
    key        TEXT    NOT NULL,
    uid        INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, key)
) STRICT, WITHOUT ROWID;

-- Committed facts.  The row id orders them for the hints of this file's processes; for a client the
-- order is that of modseq.
CREATE TABLE journal (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    mailbox_id INTEGER NOT NULL,
    folder_id  INTEGER NOT NULL,
    modseq     INTEGER NOT NULL,
    uid        INTEGER NOT NULL,
    change     TEXT    NOT NULL CHECK (change IN ('deposited', 'flags', 'expunged'))
) STRICT;
CREATE INDEX journal_by_modseq ON journal (mailbox_id, folder_id, modseq);

CREATE TABLE outbox (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber_id INTEGER REFERENCES subscriber (id) ON DELETE CASCADE,
    recipient     TEXT    NOT NULL,
    cause         TEXT    NOT NULL,
    uid           INTEGER,
    return_code   INTEGER NOT NULL,
    state         TEXT    NOT NULL DEFAULT 'owed',
    due_at        INTEGER NOT NULL,  -- of an owed row; a lease moves it to the lease's end
    expires_at    INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    smpp_status   INTEGER,
    settled_at    INTEGER
) STRICT;
CREATE INDEX outbox_owed ON outbox (due_at, id) WHERE state = 'owed';
CREATE INDEX outbox_by_subscriber ON outbox (subscriber_id);

CREATE TABLE segment (
    outbox_id  INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    segment    INTEGER NOT NULL,
    total      INTEGER NOT NULL,
    message_id TEXT    NOT NULL,
    delivered  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (outbox_id, segment)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_by_message_id ON segment (message_id);  -- not unique: some SMSCs repeat ids

CREATE TABLE inbound (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    key         TEXT    NOT NULL UNIQUE,
    originator  TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    settled     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX inbound_pending ON inbound (id) WHERE settled = 0;

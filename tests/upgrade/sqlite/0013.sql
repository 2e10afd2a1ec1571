BEGIN TRANSACTION;
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    msisdn  TEXT    NOT NULL,  -- and no subscriber: the record outlives the service
    at      INTEGER NOT NULL,
    trigger TEXT    NOT NULL,
    before  TEXT,              -- NULL at creation
    after   TEXT               -- NULL at removal
) STRICT;
CREATE TABLE content (
    id     INTEGER PRIMARY KEY,
    layout BLOB NOT NULL,  -- MessagePack of store.port.Layout
    octets BLOB NOT NULL
, blob TEXT, blob_size INTEGER) STRICT;
INSERT INTO "content" VALUES(1,X'95C4125375626A6563743A2068656C6C6F0D0A0D0AC40D284E494C202268656C6C6F2229C40F2822415544494F222022414D522229C4132822415544494F222022414D5222204E494C299185A66E756D626572A131AA6D696D655F737461727400AA626F64795F737461727412A8626F64795F656E6419A76D657373616765C2',X'6F6374657473206F6620202031',NULL,NULL);
INSERT INTO "content" VALUES(2,X'95C4125375626A6563743A2068656C6C6F0D0A0D0AC40D284E494C202268656C6C6F2229C40F2822415544494F222022414D522229C4132822415544494F222022414D5222204E494C299185A66E756D626572A131AA6D696D655F737461727400AA626F64795F737461727412A8626F64795F656E6419A76D657373616765C2',X'6F6374657473206F6620202032',NULL,NULL);
CREATE TABLE deposit_key (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
    key        TEXT    NOT NULL,
    uid        INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "deposit_key" VALUES(7,'k3',3);
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
CREATE TABLE device_code (
    subscriber_id INTEGER PRIMARY KEY REFERENCES subscriber (id) ON DELETE CASCADE,
    code_check    BLOB    NOT NULL,
    code_sealed   BLOB    NOT NULL,
    expires_at    INTEGER NOT NULL,
    tries         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE event (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,  -- one writer at a time: the order of commits
    at     INTEGER NOT NULL,
    msisdn TEXT    NOT NULL,  -- and no subscriber: the event outlives it
    kind   TEXT    NOT NULL,
    detail TEXT    NOT NULL   -- JSON of the other fields of domain.event.Event; flags as bits
) STRICT;
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
    max_messages   INTEGER NOT NULL, special_use TEXT, keywords TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, id),
    UNIQUE (mailbox_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "folder" VALUES(7,1,'INBOX',4711,6,9,2,1,26,100,NULL,'');
INSERT INTO "folder" VALUES(7,2,'Greetings',4711,1,1,0,0,0,20,NULL,'');
CREATE TABLE inbound (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    key         TEXT    NOT NULL UNIQUE,
    originator  TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    settled     INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "inbound" VALUES(1,'i1','+33612345678','5511','STATUS',3000000,0);
CREATE TABLE inbound_segment (
    key        TEXT    NOT NULL,  -- of the SMS
    segment    INTEGER NOT NULL,
    octets     BLOB    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (key, segment)
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    mailbox_id INTEGER NOT NULL,
    folder_id  INTEGER NOT NULL,
    modseq     INTEGER NOT NULL,
    uid        INTEGER NOT NULL,
    change     TEXT    NOT NULL CHECK (change IN ('deposited', 'flags', 'expunged'))
) STRICT;
INSERT INTO "journal" VALUES(1,7,1,4,3,'deposited');
INSERT INTO "journal" VALUES(2,7,1,8,4,'expunged');
INSERT INTO "journal" VALUES(3,7,1,9,5,'deposited');
CREATE TABLE loose_blob (
    key       TEXT    NOT NULL PRIMARY KEY,
    since     INTEGER NOT NULL,
    condemned INTEGER NOT NULL DEFAULT 0,  -- by the sweeper, and not by the end of its content
    deleted   INTEGER NOT NULL DEFAULT 0   -- a condemned one is remembered: its row may still be on its way
) STRICT, WITHOUT ROWID;
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT  -- never used twice: journals outlive mailboxes
, next_folder INTEGER NOT NULL DEFAULT 3, uid_validity INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "mailbox" VALUES(7,3,0);
CREATE TABLE mailbox_key (
    mailbox_id INTEGER PRIMARY KEY REFERENCES mailbox (id) ON DELETE CASCADE,
    wrapped    BLOB NOT NULL
) STRICT;
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
    content_id  INTEGER NOT NULL, keywords TEXT, original_id INTEGER, original_size INTEGER,  -- no foreign key: to check one, each expunge would scan this table
    PRIMARY KEY (mailbox_id, folder_id, uid),
    FOREIGN KEY (mailbox_id, folder_id) REFERENCES folder (mailbox_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO "message" VALUES(7,1,3,4,1,'voice','+33698765432',0,0,7,13,1,NULL,NULL,NULL);
INSERT INTO "message" VALUES(7,1,5,9,0,'voice',NULL,0,3600,8,13,2,NULL,NULL,NULL);
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
, family TEXT NOT NULL DEFAULT 'sync', owed_at INTEGER NOT NULL DEFAULT 0, leased INTEGER NOT NULL DEFAULT 0, taken_at INTEGER, held INTEGER NOT NULL DEFAULT 0, gated_until INTEGER, holder TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "outbox" VALUES(1,1,'+33612345678','new_message',5,0,'owed',3000000,9000000000000000,0,NULL,NULL,'sync',3000000,0,NULL,0,NULL,'');
CREATE TABLE parked_event (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    msisdn     TEXT    NOT NULL,
    event      TEXT    NOT NULL,  -- JSON of domain.event.Event
    attempts   INTEGER NOT NULL,
    due_at     INTEGER,           -- NULL: a dead letter
    error      TEXT    NOT NULL
) STRICT;
CREATE TABLE schema_version (
    version    INTEGER NOT NULL,  -- the last step that ran
    compatible INTEGER NOT NULL   -- the oldest release, by its own version, that may open this file
) STRICT;
INSERT INTO "schema_version" VALUES(13,1);
CREATE TABLE segment (
    outbox_id  INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    segment    INTEGER NOT NULL,
    total      INTEGER NOT NULL,
    message_id TEXT    NOT NULL,
    delivered  INTEGER NOT NULL DEFAULT 0, accepted_at INTEGER,
    PRIMARY KEY (outbox_id, segment)
) STRICT, WITHOUT ROWID;
CREATE TABLE shared_content (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
    content_id INTEGER NOT NULL,
    messages   INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, content_id)
) STRICT, WITHOUT ROWID;
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
, pin_check TEXT, pin_tries INTEGER NOT NULL DEFAULT 0, pin_locked_until INTEGER NOT NULL DEFAULT 0, previous_check BLOB, previous_until INTEGER, unanswered_syncs INTEGER NOT NULL DEFAULT 0, fallback TEXT NOT NULL DEFAULT 'none') STRICT;
INSERT INTO "subscriber" VALUES(1,7,'+33612345678','R','{"port": 5500}','fra',1,100,'33612345678@vvm.example.net',X'01',X'02',1000000,2000000,NULL,0,0,NULL,NULL,0,'none');
CREATE TABLE subscription (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,  -- of a folder that may be gone
    PRIMARY KEY (mailbox_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "subscription" VALUES(7,'Greetings');
INSERT INTO "subscription" VALUES(7,'INBOX');
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
CREATE TABLE webhook (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    url           TEXT    NOT NULL,
    kinds         TEXT    NOT NULL,  -- JSON array; empty for all
    secret_sealed BLOB    NOT NULL,
    cursor        INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    paused        INTEGER NOT NULL DEFAULT 0,
    failures      INTEGER NOT NULL DEFAULT 0,
    due_at        INTEGER NOT NULL   -- a lease moves it to the lease's end
) STRICT;
CREATE INDEX subscriber_by_mailbox ON subscriber (mailbox_id);
CREATE INDEX journal_by_modseq ON journal (mailbox_id, folder_id, modseq);
CREATE INDEX outbox_by_subscriber ON outbox (subscriber_id);
CREATE INDEX segment_by_message_id ON segment (message_id);
CREATE INDEX inbound_pending ON inbound (id) WHERE settled = 0;
CREATE INDEX outbox_due ON outbox (family, due_at, id) WHERE state = 'owed';
CREATE INDEX outbox_next ON outbox (due_at) WHERE state = 'owed';
CREATE INDEX outbox_waiting ON outbox (recipient, family) WHERE state = 'owed';
CREATE INDEX outbox_taken ON outbox (recipient, family, taken_at);
CREATE INDEX outbox_gate ON outbox (recipient, gated_until) WHERE gated_until IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (id) WHERE state IN ('failed', 'expired');
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX inbound_settled ON inbound (received_at) WHERE settled = 1;
CREATE INDEX inbound_segment_by_expiry ON inbound_segment (expires_at);
CREATE INDEX audit_by_msisdn ON audit (msisdn, id);
CREATE INDEX inbound_by_originator ON inbound (originator, id);
CREATE INDEX device_by_subscriber ON device (subscriber_id, id);
CREATE INDEX outbox_held ON outbox (holder) WHERE leased = 1;
CREATE UNIQUE INDEX content_by_blob ON content (blob) WHERE blob IS NOT NULL;
CREATE INDEX loose_blob_waiting ON loose_blob (since, key) WHERE NOT deleted;
CREATE INDEX loose_blob_deleted ON loose_blob (since) WHERE deleted;
CREATE TRIGGER content_released AFTER DELETE ON content WHEN old.blob IS NOT NULL
BEGIN
    INSERT INTO loose_blob (key, since) VALUES (old.blob, unixepoch() * 1000000);
END;
CREATE INDEX visit_by_subscriber ON visit (subscriber_id, id);
CREATE INDEX visit_by_end ON visit (last_at);
CREATE INDEX event_by_msisdn ON event (msisdn, id);
CREATE TRIGGER journal_event AFTER INSERT ON journal BEGIN
    INSERT INTO event (at, msisdn, kind, detail)
    SELECT CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER), s.msisdn, 'message.' || NEW.change,
           json_object('folder', f.name, 'uid', NEW.uid, 'message_kind', m.kind, 'caller', m.caller,
                       'seconds', m.seconds, 'flags', m.flags)
      FROM subscriber s
      JOIN folder f ON f.mailbox_id = s.mailbox_id AND f.id = NEW.folder_id
      LEFT JOIN message m ON m.mailbox_id = s.mailbox_id AND m.folder_id = f.id AND m.uid = NEW.uid
     WHERE s.mailbox_id = NEW.mailbox_id;
END;
CREATE TRIGGER audit_event AFTER INSERT ON audit BEGIN
    INSERT INTO event (at, msisdn, kind, detail)
    VALUES (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER), NEW.msisdn,
            CASE WHEN NEW.trigger IN ('created', 'removed') THEN 'subscriber.' || NEW.trigger
                 ELSE 'subscriber.changed' END,
            json_object('trigger', NEW.trigger, 'before', NEW.before, 'after', NEW.after));
END;
CREATE TRIGGER outbox_event AFTER UPDATE OF state ON outbox
    WHEN NEW.state <> OLD.state AND NEW.state IN ('sent', 'delivered', 'failed', 'expired') BEGIN
    INSERT INTO event (at, msisdn, kind, detail)
    VALUES (CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER), NEW.recipient,
            'notification.' || NEW.state, json_object('cause', NEW.cause, 'uid', NEW.uid));
END;
CREATE INDEX parked_waiting ON parked_event (webhook_id, msisdn, id) WHERE due_at IS NOT NULL;
CREATE INDEX parked_by_webhook ON parked_event (webhook_id, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('mailbox',7);
INSERT INTO "sqlite_sequence" VALUES('subscriber',1);
INSERT INTO "sqlite_sequence" VALUES('journal',3);
INSERT INTO "sqlite_sequence" VALUES('outbox',1);
INSERT INTO "sqlite_sequence" VALUES('inbound',1);
COMMIT;

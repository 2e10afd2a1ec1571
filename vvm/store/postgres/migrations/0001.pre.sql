-- The first schema.  Times are UTC, in microseconds.  Every table begins with the key it is spread by:
-- what belongs to one mailbox, one subscriber, one number or one name lies in one partition of its table.
-- No foreign keys between partitions: who deletes, deletes all of it, in one transaction (queries/).

-- A table without its partitions cannot be written to.  How many there are was settled when the database
-- was made (schema_version.partitions).
CREATE FUNCTION make_partitions(parent text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    total integer := (SELECT partitions FROM schema_version);
BEGIN
    FOR number IN 0 .. total - 1 LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
                       parent || '_' || number, parent, total, number);
    END LOOP;
END
$$;

-- Who is called so.  Names are unique of their kind: "msisdn" and "imap_user" of a subscriber, "device"
-- for the login of one.
CREATE TABLE directory (
    name text   NOT NULL COLLATE "C",
    kind text   NOT NULL,
    id   bigint NOT NULL,
    PRIMARY KEY (name, kind)
) PARTITION BY HASH (name);
SELECT make_partitions('directory');

-- Classes of service, a few dozen.
CREATE TABLE cos (
    name         text   NOT NULL COLLATE "C" PRIMARY KEY,
    limits       text   NOT NULL,  -- JSON of domain.cos.Limits
    changed_at   bigint NOT NULL,
    max_messages bigint GENERATED ALWAYS AS ((limits::jsonb ->> 'max_messages')::bigint) STORED,
    max_seconds  bigint GENERATED ALWAYS AS ((limits::jsonb ->> 'max_seconds')::bigint) STORED,
    max_octets   bigint GENERATED ALWAYS AS ((limits::jsonb ->> 'max_octets')::bigint) STORED
);

-- Tokens of the API.
CREATE TABLE token (
    name       text   NOT NULL COLLATE "C" PRIMARY KEY,
    role       text   NOT NULL,
    digest     bytea  NOT NULL UNIQUE,  -- SHA-256: the token itself is nowhere
    scopes     text   NOT NULL,         -- separated by spaces; '' for all of the role
    rate       double precision,
    created_at bigint NOT NULL,
    expires_at bigint
);

CREATE SEQUENCE subscriber_ids;
CREATE TABLE subscriber (
    id               bigint  NOT NULL DEFAULT nextval('subscriber_ids'),
    mailbox_id       bigint  NOT NULL,
    msisdn           text    NOT NULL,
    status           text    NOT NULL,
    client           text    NOT NULL,  -- JSON of domain.subscriber.ClientProfile
    language         text    NOT NULL,
    setup_done       boolean NOT NULL,
    max_messages     bigint  NOT NULL,
    imap_user        text    NOT NULL,
    password_check   bytea   NOT NULL,
    password_sealed  bytea   NOT NULL,
    created_at       bigint  NOT NULL,
    changed_at       bigint  NOT NULL,
    pin_check        text,                        -- NULL: no PIN was ever set
    pin_tries        bigint  NOT NULL DEFAULT 0,  -- in a row, the last one not known to be right
    pin_locked_until bigint  NOT NULL DEFAULT 0,
    previous_check   bytea,
    previous_until   bigint,
    unanswered_syncs bigint  NOT NULL DEFAULT 0,
    fallback         text    NOT NULL DEFAULT 'none',
    cos              text,
    PRIMARY KEY (id)
) PARTITION BY HASH (id);
CREATE INDEX subscriber_by_cos ON subscriber (cos) WHERE cos IS NOT NULL;
SELECT make_partitions('subscriber');

CREATE SEQUENCE device_ids;
CREATE TABLE device (
    id              bigint NOT NULL DEFAULT nextval('device_ids'),
    subscriber_id   bigint NOT NULL,
    login           text   NOT NULL,
    name            text   NOT NULL,
    profile         text   NOT NULL,
    password_check  bytea  NOT NULL,
    password_sealed bytea  NOT NULL,
    created_at      bigint NOT NULL,
    last_used_at    bigint,
    PRIMARY KEY (id)
) PARTITION BY HASH (id);
CREATE INDEX device_by_subscriber ON device (subscriber_id, id);
SELECT make_partitions('device');

-- One-time codes, by which a subscriber adds a device without an operator.
CREATE TABLE device_code (
    subscriber_id bigint NOT NULL,
    code_check    bytea  NOT NULL,
    code_sealed   bytea  NOT NULL,
    expires_at    bigint NOT NULL,
    tries         bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (subscriber_id)
) PARTITION BY HASH (subscriber_id);
SELECT make_partitions('device_code');

-- The timeline of a number: what its clients did over IMAP.
CREATE SEQUENCE visit_ids;
CREATE TABLE visit (
    subscriber_id bigint NOT NULL,
    id            bigint NOT NULL DEFAULT nextval('visit_ids'),
    device_id     bigint,           -- of a device that may be revoked since
    act           text   NOT NULL,
    detail        text   NOT NULL,
    first_at      bigint NOT NULL,
    last_at       bigint NOT NULL,
    count         bigint NOT NULL,
    PRIMARY KEY (subscriber_id, id)
) PARTITION BY HASH (subscriber_id);
CREATE INDEX visit_by_end ON visit (last_at);
SELECT make_partitions('visit');

CREATE SEQUENCE audit_ids;
CREATE TABLE audit (
    msisdn  text   NOT NULL,  -- and no subscriber: the record outlives the service
    id      bigint NOT NULL DEFAULT nextval('audit_ids'),
    at      bigint NOT NULL,
    trigger text   NOT NULL,
    before  text,             -- NULL at creation
    after   text,             -- NULL at removal
    PRIMARY KEY (msisdn, id)
) PARTITION BY HASH (msisdn);
SELECT make_partitions('audit');

-- The event feed, and the webhooks that it is delivered to.  Whoever writes a journal record, an audit
-- record or the end of a notification has its event written here: no method can forget it (ADR 0014).
--
-- Ids are given before the commit, so their order is not that of commits.  A reader sees the events of
-- transactions behind which none is still running, in the order of (xid, id): what appears later stands
-- later.
CREATE SEQUENCE event_ids;
CREATE TABLE event (
    msisdn text   NOT NULL,  -- and no subscriber: the event outlives it
    xid    bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    id     bigint NOT NULL DEFAULT nextval('event_ids'),
    at     bigint NOT NULL DEFAULT extract(epoch FROM clock_timestamp()) * 1000000,
    kind   text   NOT NULL,
    detail text   NOT NULL,  -- JSON of the other fields of domain.event.Event; flags as bits
    PRIMARY KEY (msisdn, xid, id)
) PARTITION BY HASH (msisdn);
CREATE INDEX event_in_order ON event (xid, id);
SELECT make_partitions('event');

CREATE TABLE webhook (
    id            bigint  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url           text    NOT NULL,
    kinds         text    NOT NULL,  -- JSON array; empty for all
    secret_sealed bytea   NOT NULL,
    cursor_xid    bigint  NOT NULL,
    cursor_id     bigint  NOT NULL,
    created_at    bigint  NOT NULL,
    paused        boolean NOT NULL DEFAULT false,
    failures      bigint  NOT NULL DEFAULT 0,
    due_at        bigint  NOT NULL   -- a lease moves it to the lease's end
);

CREATE TABLE parked_event (
    id         bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id bigint NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    msisdn     text   NOT NULL,
    event      text   NOT NULL,  -- JSON of domain.event.Event
    attempts   bigint NOT NULL,
    due_at     bigint,           -- NULL: a dead letter
    error      text   NOT NULL
);
CREATE INDEX parked_waiting ON parked_event (webhook_id, msisdn, id) WHERE due_at IS NOT NULL;
CREATE INDEX parked_by_webhook ON parked_event (webhook_id, id);

-- Who writes into a mailbox locks its row first: the order of MODSEQ is the order of commit, and the
-- quota that several folders share is never passed.
CREATE SEQUENCE mailbox_ids;  -- never used twice: journals outlive mailboxes
CREATE TABLE mailbox (
    id           bigint NOT NULL DEFAULT nextval('mailbox_ids'),
    status       text   NOT NULL,            -- of its owner, as in subscriber
    msisdn       text   NOT NULL,            -- the same
    cos          text,                       -- the same
    next_folder  bigint NOT NULL DEFAULT 3,  -- ids of folders are never used twice
    uid_validity bigint NOT NULL DEFAULT 0,  -- the last one given to a folder of its own
    PRIMARY KEY (id)
) PARTITION BY HASH (id);
SELECT make_partitions('mailbox');

CREATE TABLE folder (
    mailbox_id     bigint NOT NULL,
    id             bigint NOT NULL,  -- within the mailbox; 1 is INBOX, 2 is Greetings
    name           text   NOT NULL COLLATE "C",
    uid_validity   bigint NOT NULL,
    uid_next       bigint NOT NULL DEFAULT 1,
    highest_modseq bigint NOT NULL DEFAULT 1,
    messages       bigint NOT NULL DEFAULT 0,
    unseen         bigint NOT NULL DEFAULT 0,
    octets         bigint NOT NULL DEFAULT 0,
    max_messages   bigint NOT NULL,
    special_use    text,
    keywords       text   NOT NULL DEFAULT '',  -- names with a space between, in the order of arrival
    PRIMARY KEY (mailbox_id, id),
    UNIQUE (mailbox_id, name)
) PARTITION BY HASH (mailbox_id);
SELECT make_partitions('folder');

CREATE TABLE subscription (
    mailbox_id bigint NOT NULL,
    name       text   NOT NULL COLLATE "C",  -- of a folder that may be gone
    PRIMARY KEY (mailbox_id, name)
) PARTITION BY HASH (mailbox_id);
SELECT make_partitions('subscription');

-- What never changes of a message.
CREATE SEQUENCE content_ids;
CREATE TABLE content (
    mailbox_id bigint NOT NULL,
    id         bigint NOT NULL DEFAULT nextval('content_ids'),
    layout     bytea  NOT NULL,  -- MessagePack of store.port.Layout
    octets     bytea  NOT NULL,  -- empty where there is a blob
    blob       text,             -- the key of octets outside of the database
    blob_size  bigint,
    PRIMARY KEY (mailbox_id, id)
) PARTITION BY HASH (mailbox_id);
CREATE INDEX content_by_blob ON content (blob) WHERE blob IS NOT NULL;
ALTER TABLE content ALTER COLUMN octets SET STORAGE EXTERNAL;  -- audio does not get smaller
SELECT make_partitions('content');

-- Blobs that no content has and none will have.
CREATE TABLE loose_blob (
    key       text    NOT NULL COLLATE "C",
    since     bigint  NOT NULL,
    condemned boolean NOT NULL DEFAULT false,  -- by the sweeper, and not by the end of its content
    deleted   boolean NOT NULL DEFAULT false,  -- a condemned one is remembered: its row may still be on its way
    PRIMARY KEY (key)
) PARTITION BY HASH (key);
CREATE INDEX loose_blob_waiting ON loose_blob (since, key) WHERE NOT deleted;
CREATE INDEX loose_blob_deleted ON loose_blob (since) WHERE deleted;
SELECT make_partitions('loose_blob');

-- A trigger, so that no statement that deletes content can forget the blob.
CREATE FUNCTION release_blob() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO loose_blob (key, since) VALUES (old.blob, extract(epoch FROM now()) * 1000000)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER content_released AFTER DELETE ON content
   FOR EACH ROW WHEN (old.blob IS NOT NULL) EXECUTE FUNCTION release_blob();

-- Wrapped by the master key.  It goes with its mailbox, and with it whatever it has encrypted.
CREATE TABLE mailbox_key (
    mailbox_id bigint NOT NULL,
    wrapped    bytea  NOT NULL,
    PRIMARY KEY (mailbox_id)
) PARTITION BY HASH (mailbox_id);
SELECT make_partitions('mailbox_key');

-- Content of several messages.  One that is not here has one message.
CREATE TABLE shared_content (
    mailbox_id bigint NOT NULL,
    content_id bigint NOT NULL,
    messages   bigint NOT NULL,
    PRIMARY KEY (mailbox_id, content_id)
) PARTITION BY HASH (mailbox_id);
SELECT make_partitions('shared_content');

-- What changes, kept narrow: a SELECT of IMAP reads all of it.
CREATE TABLE message (
    mailbox_id    bigint NOT NULL,
    folder_id     bigint NOT NULL,
    uid           bigint NOT NULL,
    modseq        bigint NOT NULL,
    flags         bigint NOT NULL DEFAULT 0,
    kind          text   NOT NULL,
    caller        text,
    received_at   bigint NOT NULL,
    utc_offset    bigint NOT NULL,  -- seconds; the zone that Date and SYNC show
    seconds       bigint NOT NULL,
    size          bigint NOT NULL,
    content_id    bigint NOT NULL,
    keywords      text,             -- as in folder; NULL: none
    original_id   bigint,           -- a content, as the depositor wrote it
    original_size bigint,
    PRIMARY KEY (mailbox_id, folder_id, uid)
) PARTITION BY HASH (mailbox_id);
SELECT make_partitions('message');

CREATE TABLE deposit_key (
    mailbox_id bigint NOT NULL,
    key        text   NOT NULL,
    uid        bigint NOT NULL,
    PRIMARY KEY (mailbox_id, key)
) PARTITION BY HASH (mailbox_id);
SELECT make_partitions('deposit_key');

CREATE TABLE journal (
    mailbox_id bigint NOT NULL,
    folder_id  bigint NOT NULL,
    modseq     bigint NOT NULL,
    uid        bigint NOT NULL,
    change     text   NOT NULL CHECK (change IN ('deposited', 'flags', 'expunged')),
    PRIMARY KEY (mailbox_id, folder_id, modseq, uid)
) PARTITION BY HASH (mailbox_id);
SELECT make_partitions('journal');

CREATE SEQUENCE outbox_ids;
CREATE TABLE outbox (
    recipient     text    NOT NULL,
    id            bigint  NOT NULL DEFAULT nextval('outbox_ids'),
    subscriber_id bigint,
    family        text    NOT NULL,
    cause         text    NOT NULL,
    uid           bigint,
    return_code   bigint  NOT NULL,
    state         text    NOT NULL DEFAULT 'owed',
    owed_at       bigint  NOT NULL,
    due_at        bigint  NOT NULL,                -- of an owed row; a lease moves it to the lease's end
    expires_at    bigint  NOT NULL,
    attempts      bigint  NOT NULL DEFAULT 0,
    leased        boolean NOT NULL DEFAULT false,  -- in a worker's hands, or forgotten there
    taken_at      bigint,                          -- the last lease
    held          boolean NOT NULL DEFAULT false,  -- not due only because of a gate
    gated_until   bigint,                          -- of a sent row without its receipt
    smpp_status   bigint,
    settled_at    bigint,
    message_ids   jsonb   NOT NULL DEFAULT '{}',   -- by segment: the SMSC has taken these
    segments      bigint  NOT NULL DEFAULT 0,      -- of the whole SMS; 0 until the SMSC took one
    delivered     bigint[] NOT NULL DEFAULT '{}',
    accepted_at   bigint,
    holder        text    NOT NULL DEFAULT '',     -- who has it in hands
    PRIMARY KEY (recipient, id)
) PARTITION BY HASH (recipient);
-- A row waits while it is owed, in no worker's hands, and no segment of it was accepted.  At most one does.
CREATE UNIQUE INDEX outbox_waiting ON outbox (recipient, family)
 WHERE state = 'owed' AND NOT leased AND message_ids = '{}';
CREATE INDEX outbox_due ON outbox (family, due_at, id) WHERE state = 'owed';
CREATE INDEX outbox_next ON outbox (due_at) WHERE state = 'owed';
CREATE INDEX outbox_held ON outbox (holder) WHERE leased;
CREATE INDEX outbox_dead ON outbox (id) WHERE state IN ('failed', 'expired');
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL;
SELECT make_partitions('outbox');

-- Where the receipt of a segment belongs.  Not unique by message_id alone: some SMSCs repeat ids.
CREATE TABLE receipt (
    message_id text   NOT NULL,
    outbox_id  bigint NOT NULL,
    segment    bigint NOT NULL,
    recipient  text   NOT NULL,
    PRIMARY KEY (message_id, outbox_id, segment)
) PARTITION BY HASH (message_id);
SELECT make_partitions('receipt');

CREATE SEQUENCE inbound_ids;
CREATE TABLE inbound (
    id          bigint  NOT NULL DEFAULT nextval('inbound_ids'),
    key         text    NOT NULL,
    originator  text    NOT NULL,
    destination text    NOT NULL,
    text        text    NOT NULL,
    received_at bigint  NOT NULL,
    settled     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (id)
) PARTITION BY HASH (id);
CREATE INDEX inbound_pending ON inbound (id) WHERE NOT settled;
CREATE INDEX inbound_settled ON inbound (received_at) WHERE settled;
CREATE INDEX inbound_by_originator ON inbound (originator, id);
SELECT make_partitions('inbound');

-- What was received already.
CREATE TABLE inbound_key (
    key text NOT NULL,
    PRIMARY KEY (key)
) PARTITION BY HASH (key);
SELECT make_partitions('inbound_key');

-- Pieces of concatenated SMS from handsets, each kept before it is acknowledged.  Bounded by a setting,
-- and so in one piece.
CREATE TABLE inbound_segment (
    key        text   NOT NULL,  -- of the SMS
    segment    bigint NOT NULL,
    octets     bytea  NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (key, segment)
);
CREATE INDEX inbound_segment_by_expiry ON inbound_segment (expires_at);

-- What the feed of events is written by.
CREATE FUNCTION journal_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event (msisdn, kind, detail)
    SELECT b.msisdn, 'message.' || NEW.change,
           json_build_object('folder', f.name, 'uid', NEW.uid, 'message_kind', m.kind, 'caller', m.caller,
                             'seconds', m.seconds, 'flags', m.flags)
      FROM mailbox b
      JOIN folder f ON f.mailbox_id = b.id AND f.id = NEW.folder_id
      LEFT JOIN message m ON m.mailbox_id = b.id AND m.folder_id = f.id AND m.uid = NEW.uid
     WHERE b.id = NEW.mailbox_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER journal_event AFTER INSERT ON journal FOR EACH ROW EXECUTE FUNCTION journal_event();

CREATE FUNCTION audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event (msisdn, kind, detail)
    VALUES (NEW.msisdn,
            CASE WHEN NEW.trigger IN ('created', 'removed') THEN 'subscriber.' || NEW.trigger
                 ELSE 'subscriber.changed' END,
            json_build_object('trigger', NEW.trigger, 'before', NEW.before, 'after', NEW.after));
    RETURN NULL;
END
$$;
CREATE TRIGGER audit_event AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_event();

CREATE FUNCTION outbox_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event (msisdn, kind, detail)
    VALUES (NEW.recipient, 'notification.' || NEW.state, json_build_object('cause', NEW.cause, 'uid', NEW.uid));
    RETURN NULL;
END
$$;
CREATE TRIGGER outbox_event AFTER UPDATE OF state ON outbox FOR EACH ROW
  WHEN (NEW.state <> OLD.state AND NEW.state IN ('sent', 'delivered', 'failed', 'expired'))
  EXECUTE FUNCTION outbox_event();

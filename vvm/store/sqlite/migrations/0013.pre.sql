-- The event feed, and the webhooks that it is delivered to.  Whoever writes a journal record, an audit
-- record or the end of a notification has its event written here: no method can forget it (ADR 0014).

CREATE TABLE event (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,  -- one writer at a time: the order of commits
    at     INTEGER NOT NULL,
    msisdn TEXT    NOT NULL,  -- and no subscriber: the event outlives it
    kind   TEXT    NOT NULL,
    detail TEXT    NOT NULL   -- JSON of the other fields of domain.event.Event; flags as bits
) STRICT;
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

CREATE TABLE parked_event (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    msisdn     TEXT    NOT NULL,
    event      TEXT    NOT NULL,  -- JSON of domain.event.Event
    attempts   INTEGER NOT NULL,
    due_at     INTEGER,           -- NULL: a dead letter
    error      TEXT    NOT NULL
) STRICT;
CREATE INDEX parked_waiting ON parked_event (webhook_id, msisdn, id) WHERE due_at IS NOT NULL;
CREATE INDEX parked_by_webhook ON parked_event (webhook_id, id);

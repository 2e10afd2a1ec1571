-- Several numbers on one mailbox, and those that were left.

CREATE TABLE alias (
    msisdn        TEXT    NOT NULL PRIMARY KEY,
    subscriber_id INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_by_subscriber ON alias (subscriber_id, msisdn);

-- Nobody's until then, but for who had it.
CREATE TABLE old_number (
    msisdn        TEXT    NOT NULL PRIMARY KEY,
    subscriber_id INTEGER REFERENCES subscriber (id) ON DELETE SET NULL,
    until         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX old_number_by_subscriber ON old_number (subscriber_id);
CREATE INDEX old_number_by_end ON old_number (until);

-- A number is somebody's own or somebody's alias: triggers, so that no statement can forget it.
CREATE TRIGGER own_number_given BEFORE INSERT ON subscriber
    WHEN EXISTS (SELECT 1 FROM alias WHERE msisdn = NEW.msisdn) BEGIN
    SELECT RAISE(ABORT, 'the number is an alias');
END;
CREATE TRIGGER own_number_changed BEFORE UPDATE OF msisdn ON subscriber
    WHEN EXISTS (SELECT 1 FROM alias WHERE msisdn = NEW.msisdn) BEGIN
    SELECT RAISE(ABORT, 'the number is an alias');
END;
CREATE TRIGGER alias_given BEFORE INSERT ON alias
    WHEN EXISTS (SELECT 1 FROM subscriber WHERE msisdn = NEW.msisdn) BEGIN
    SELECT RAISE(ABORT, 'the number is somebody''s own');
END;

-- Transitions are audited; a replaced password works for a while; SYNC that no login followed; the fallback.

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    msisdn  TEXT    NOT NULL,  -- and no subscriber: the record outlives the service
    at      INTEGER NOT NULL,
    trigger TEXT    NOT NULL,
    before  TEXT,              -- NULL at creation
    after   TEXT               -- NULL at removal
) STRICT;
CREATE INDEX audit_by_msisdn ON audit (msisdn, id);

ALTER TABLE subscriber ADD COLUMN previous_check BLOB;
ALTER TABLE subscriber ADD COLUMN previous_until INTEGER;
ALTER TABLE subscriber ADD COLUMN unanswered_syncs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriber ADD COLUMN fallback TEXT NOT NULL DEFAULT 'none';

-- Requests of the API that carried a key: their answers, so that a repetition is not carried out again.

CREATE TABLE kept_request (
    key        BLOB    NOT NULL PRIMARY KEY,  -- digest of the key and of who sent it
    request    BLOB    NOT NULL,              -- digest of what was asked
    answer     BLOB,                          -- sealed; NULL: being carried out, or nobody knows its end
    busy_until INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX kept_request_by_expiry ON kept_request (expires_at);

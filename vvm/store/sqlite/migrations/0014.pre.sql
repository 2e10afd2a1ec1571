-- Classes of service, and the tokens of the API.

CREATE TABLE cos (
    name         TEXT    NOT NULL PRIMARY KEY,
    limits       TEXT    NOT NULL,  -- JSON of domain.cos.Limits
    changed_at   INTEGER NOT NULL,
    max_messages INTEGER GENERATED ALWAYS AS (json_extract(limits, '$.max_messages')),
    max_seconds  INTEGER GENERATED ALWAYS AS (json_extract(limits, '$.max_seconds')),
    max_octets   INTEGER GENERATED ALWAYS AS (json_extract(limits, '$.max_octets'))
) STRICT, WITHOUT ROWID;

ALTER TABLE subscriber ADD COLUMN cos TEXT REFERENCES cos (name);
CREATE INDEX subscriber_by_cos ON subscriber (cos, msisdn) WHERE cos IS NOT NULL;

-- What a class says of a mailbox's quota, beside what stands in its folders.
CREATE VIEW quota AS
SELECT s.mailbox_id, c.max_messages, c.max_seconds, c.max_octets
  FROM subscriber s JOIN cos c ON c.name = s.cos;

CREATE TABLE token (
    name       TEXT    NOT NULL PRIMARY KEY,
    role       TEXT    NOT NULL,
    digest     BLOB    NOT NULL UNIQUE,  -- SHA-256: the token itself is nowhere
    scopes     TEXT    NOT NULL,         -- separated by spaces; '' for all of the role
    rate       REAL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

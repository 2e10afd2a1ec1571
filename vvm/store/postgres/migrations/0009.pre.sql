-- Requests of the API that carried a key: their answers, so that a repetition is not carried out again.

CREATE TABLE kept_request (
    key        bytea  NOT NULL,  -- digest of the key and of who sent it
    request    bytea  NOT NULL,  -- digest of what was asked
    answer     bytea,            -- sealed; NULL: being carried out, or nobody knows its end
    busy_until bigint NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (key)
) PARTITION BY HASH (key);
CREATE INDEX kept_request_by_expiry ON kept_request (expires_at);
SELECT make_partitions('kept_request');

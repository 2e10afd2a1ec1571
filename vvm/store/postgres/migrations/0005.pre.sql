-- Several numbers on one mailbox, and those that were left.  An alias stands in directory as an own number does,
-- under the same kind: who is found by a number, and that it is nobody else's, is one row.

CREATE TABLE alias (
    subscriber_id bigint NOT NULL,
    msisdn        text   NOT NULL COLLATE "C",
    PRIMARY KEY (subscriber_id, msisdn)
) PARTITION BY HASH (subscriber_id);
SELECT make_partitions('alias');

-- Nobody's until then, but for who had it (a subscriber that may be gone).
CREATE TABLE old_number (
    msisdn        text   NOT NULL,
    subscriber_id bigint NOT NULL,
    until         bigint NOT NULL,
    PRIMARY KEY (msisdn)
) PARTITION BY HASH (msisdn);
CREATE INDEX old_number_by_end ON old_number (until);
SELECT make_partitions('old_number');

-- Annotations of a mailbox and of its folders (RFC 5464).

CREATE TABLE annotation (
    mailbox_id bigint NOT NULL,
    folder_id  bigint NOT NULL,  -- 0: the mailbox as a whole
    entry      text   NOT NULL COLLATE "C",  -- the name in lower case
    name       text   NOT NULL,
    value      bytea  NOT NULL,
    PRIMARY KEY (mailbox_id, folder_id, entry)
) PARTITION BY HASH (mailbox_id);
SELECT make_partitions('annotation');

-- Deleted messages that can be restored, and subscribers of whom nothing is deleted.

ALTER TABLE cos ADD COLUMN deleted_days bigint GENERATED ALWAYS AS ((limits::jsonb ->> 'deleted_days')::bigint) STORED;
ALTER TABLE subscriber ADD COLUMN held boolean NOT NULL DEFAULT false;
ALTER TABLE mailbox ADD COLUMN held boolean NOT NULL DEFAULT false;  -- the same
ALTER TABLE audit ADD COLUMN reason text NOT NULL DEFAULT '';

-- A message that was, with the content that it keeps until it is restored or purged.
CREATE SEQUENCE deleted_message_ids;
CREATE TABLE deleted_message (
    mailbox_id    bigint  NOT NULL,
    id            bigint  NOT NULL DEFAULT nextval('deleted_message_ids'),
    folder        text    NOT NULL,  -- its name at that moment
    greeting      boolean NOT NULL,  -- it was in Greetings, and goes back there
    uid           bigint  NOT NULL,
    flags         bigint  NOT NULL,
    kind          text    NOT NULL,
    caller        text,
    received_at   bigint  NOT NULL,
    utc_offset    bigint  NOT NULL,
    seconds       bigint  NOT NULL,
    size          bigint  NOT NULL,
    content_id    bigint  NOT NULL,
    keywords      text,
    original_id   bigint,
    original_size bigint,
    identity      text    NOT NULL,  -- as in message
    deleted_at    bigint  NOT NULL,
    purge_at      bigint  NOT NULL,  -- as its class of service said when it was deleted
    PRIMARY KEY (mailbox_id, id)
) PARTITION BY HASH (mailbox_id);
CREATE INDEX deleted_message_by_end ON deleted_message (purge_at);
SELECT make_partitions('deleted_message');

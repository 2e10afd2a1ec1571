-- The SYNC that failed, by when: who missed the last one is looked for every minute.

CREATE INDEX outbox_missed ON outbox (family, settled_at, id) WHERE state IN ('failed', 'expired');

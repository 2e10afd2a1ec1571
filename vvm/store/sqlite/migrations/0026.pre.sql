-- Who sends by an SMSC, so that all together keep its contracted rate.
CREATE TABLE sender (
    smsc  TEXT    NOT NULL,
    name  TEXT    NOT NULL,     -- of the process, as in outbox.holder
    until INTEGER NOT NULL,  -- it says so again before
    PRIMARY KEY (smsc, name)
) STRICT, WITHOUT ROWID;

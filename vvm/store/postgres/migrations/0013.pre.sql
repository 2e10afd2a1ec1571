-- Who sends by an SMSC, so that all together keep its contracted rate.
CREATE TABLE sender (
    smsc  text   NOT NULL,
    name  text   NOT NULL,     -- of the process, as in outbox.holder
    until bigint NOT NULL,  -- it says so again before
    PRIMARY KEY (smsc, name)
);

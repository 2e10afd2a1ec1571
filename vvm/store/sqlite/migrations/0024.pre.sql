-- A store that becomes another one, and one that was (vvm.store.copying).  No row: a store like any other.

CREATE TABLE handover (
    role  TEXT NOT NULL CHECK (role IN ('source', 'target')),
    place TEXT NOT NULL  -- of the other one
) STRICT;

-- Triggers of a target, until its copy is whole.
CREATE TABLE handover_trigger (
    name TEXT NOT NULL PRIMARY KEY,
    sql  TEXT NOT NULL
) STRICT;

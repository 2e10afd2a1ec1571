-- A store that becomes another one, and one that was (vvm.store.copying).  No row: a store like any other.

CREATE TABLE handover (
    role  text NOT NULL CHECK (role IN ('source', 'target')),
    place text NOT NULL  -- of the other one
);

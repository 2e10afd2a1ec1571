-- The timeline of a number: what its handset sent.

CREATE INDEX inbound_by_originator ON inbound (originator, id);

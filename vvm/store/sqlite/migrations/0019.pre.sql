-- Subscribers that are closed, and go when their grace is over.

ALTER TABLE subscriber ADD COLUMN closing_at INTEGER;  -- when it goes
ALTER TABLE subscriber ADD COLUMN closed_from TEXT;    -- the status that it had
CREATE INDEX subscriber_by_end ON subscriber (closing_at) WHERE closing_at IS NOT NULL;

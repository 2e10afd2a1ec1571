-- Messages that expire, and are announced before.

-- Of messages that were received up to then the subscriber was told that they expire.
ALTER TABLE subscriber ADD COLUMN expiry_told bigint NOT NULL DEFAULT 0;
ALTER TABLE subscriber ALTER COLUMN msisdn TYPE text COLLATE "C";  -- the order of numbers, as in the directory
CREATE INDEX subscriber_by_class ON subscriber (cos, msisdn) WHERE cos IS NOT NULL;
DROP INDEX subscriber_by_cos;

-- Messages that expire, and are announced before.

-- Of messages that were received up to then the subscriber was told that they expire.
ALTER TABLE subscriber ADD COLUMN expiry_told INTEGER NOT NULL DEFAULT 0;

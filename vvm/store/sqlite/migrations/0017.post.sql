-- What programs of the schemas before wrote without a time.

UPDATE journal SET at = unixepoch() * 1000000 WHERE at = 0;
UPDATE deposit_key SET at = unixepoch() * 1000000 WHERE at = 0;

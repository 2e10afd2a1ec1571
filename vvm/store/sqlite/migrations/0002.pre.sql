-- PINs of the telephone menus, and the folder of greetings.

ALTER TABLE subscriber ADD COLUMN pin_check TEXT;  -- NULL: no PIN was ever set
ALTER TABLE subscriber ADD COLUMN pin_tries INTEGER NOT NULL DEFAULT 0;  -- in a row, the last one not known to be right
ALTER TABLE subscriber ADD COLUMN pin_locked_until INTEGER NOT NULL DEFAULT 0;

-- The limit is store.port.GREETINGS_LIMIT.
INSERT INTO folder (mailbox_id, id, name, uid_validity, max_messages)
SELECT mailbox_id, 2, 'Greetings', uid_validity, 20 FROM folder WHERE id = 1;

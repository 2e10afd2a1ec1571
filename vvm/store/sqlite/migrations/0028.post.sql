-- Only older releases looked for what is due without the carrier.

DROP INDEX outbox_due;
DROP INDEX outbox_next;

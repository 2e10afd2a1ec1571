-- Only older releases looked for a time without looking into a transaction.

DROP FUNCTION IF EXISTS event_place(bigint);

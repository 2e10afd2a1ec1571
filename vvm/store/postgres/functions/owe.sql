-- Owe notifications inside the transaction of their cause: each joins the row that waits, or gets one.
-- The unique index outbox_waiting decides, whoever else owes at the same time.
CREATE OR REPLACE FUNCTION owe(owed jsonb, message_uid bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    item record;
    gate bigint;   -- when a shut gate opens by itself
    taken bigint;  -- when the last of the family was taken
BEGIN
    FOR item IN
        SELECT * FROM jsonb_to_recordset(owed) AS o (
            subscriber bigint, recipient text, family text, cause text, joined text, return_code bigint,
            due_at bigint, expires_at bigint, spacing bigint, carrier text)
    LOOP
        SELECT max(o.gated_until) FILTER (WHERE o.gated_until > item.due_at AND o.gated_until < item.expires_at
                                            AND item.family = 'sync'),
               max(o.taken_at) FILTER (WHERE o.family = item.family)
          INTO gate, taken
          FROM outbox o WHERE o.recipient = item.recipient;
        INSERT INTO outbox AS waiting (recipient, subscriber_id, family, cause, uid, return_code, owed_at, due_at,
                                       held, expires_at, carrier)
        VALUES (item.recipient, item.subscriber, item.family, item.cause, message_uid, item.return_code, item.due_at,
                greatest(item.due_at, gate, taken + item.spacing), gate IS NOT NULL, item.expires_at,
                coalesce(item.carrier, ''))
        ON CONFLICT (recipient, family) WHERE state = 'owed' AND NOT leased AND message_ids = '{}' DO UPDATE
           SET cause = item.joined, uid = NULL, subscriber_id = excluded.subscriber_id,
               return_code = excluded.return_code, attempts = 0,
               expires_at = greatest(waiting.expires_at, excluded.expires_at),
               carrier = excluded.carrier, fetched_at = NULL;
    END LOOP;
END
$$;

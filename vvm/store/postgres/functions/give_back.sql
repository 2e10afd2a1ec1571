-- A worker gives a row back, if it has the lease yet: it waits again, or joins what waits by now.
-- A row whose lease was lost is left alone: another worker has it, or something newer has joined it.
CREATE OR REPLACE FUNCTION give_back(
    phone text, row_id bigint, attempt bigint, taken bigint, due bigint, status bigint, taken_back bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given outbox%ROWTYPE;
    joined boolean;
BEGIN
    -- All that waits for one recipient, before it is decided who joins whom.
    PERFORM 1 FROM outbox o WHERE o.recipient = phone AND o.state = 'owed' ORDER BY o.id FOR UPDATE;
    SELECT o.* INTO given FROM outbox o
     WHERE o.recipient = phone AND o.id = row_id
       AND o.state = 'owed' AND o.leased AND o.attempts = attempt AND o.taken_at = taken;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE outbox o
       SET cause = CASE o.family WHEN 'sync' THEN 'mailbox_update' ELSE o.cause END,
           uid = NULL,
           return_code = CASE WHEN o.id > given.id THEN o.return_code ELSE given.return_code END,
           due_at = greatest(o.due_at, due),
           expires_at = greatest(o.expires_at, given.expires_at),
           fetched_at = NULL
     WHERE given.message_ids = '{}'
       AND o.recipient = phone AND o.family = given.family AND o.state = 'owed'
       AND NOT o.leased AND o.id <> given.id AND o.message_ids = '{}';
    joined := FOUND;
    UPDATE outbox o
       SET due_at = due, attempts = o.attempts - taken_back, smpp_status = status, leased = false,
           state = CASE WHEN joined THEN 'joined' ELSE o.state END,
           settled_at = CASE WHEN joined THEN due ELSE o.settled_at END
     WHERE o.recipient = phone AND o.id = row_id;
END
$$;

-- Remove what is too old, of anything or of what was heard; how many messages that were.  The lock comes before
-- the look at hold and status, which is U of who is closed.
CREATE OR REPLACE FUNCTION expire(box bigint, expired bigint, heard_expired bigint, owed jsonb) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    place bigint;
    gone bigint[];
    total bigint := 0;
BEGIN
    PERFORM 1 FROM mailbox b WHERE b.id = box AND NOT b.held AND b.status <> 'U' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    FOR place IN SELECT f.id FROM folder f WHERE f.mailbox_id = box AND f.id <> 2 ORDER BY f.id LOOP
        SELECT coalesce(array_agg(m.uid ORDER BY m.uid), '{}') INTO gone
          FROM message m
         WHERE m.mailbox_id = box AND m.folder_id = place
           AND (m.received_at <= expired OR (m.flags & 1 <> 0 AND m.received_at <= heard_expired));
        IF gone <> '{}' THEN
            PERFORM remove_messages(box, place, gone);
            total := total + cardinality(gone);
        END IF;
    END LOOP;
    IF total > 0 THEN
        PERFORM owe(owed, NULL);
    END IF;
    RETURN total;
END
$$;

-- Who sends by which SMSC until when; by how many each is shared, and whether the others knew of the one that asks.
-- One after the other: of two that come at the same time the second sees the first.
CREATE OR REPLACE FUNCTION share_rate(sender text, smscs text[], at bigint, ends bigint)
RETURNS TABLE (smsc text, senders bigint, new boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('sender', 0));
    FOREACH share_rate.smsc IN ARRAY smscs LOOP
        new := NOT EXISTS (SELECT 1 FROM sender s WHERE s.smsc = share_rate.smsc AND s.name = share_rate.sender
                                                    AND s.until > at);
        INSERT INTO sender (smsc, name, until) VALUES (share_rate.smsc, share_rate.sender, ends)
            ON CONFLICT (smsc, name) DO UPDATE SET until = excluded.until;
        DELETE FROM sender s WHERE s.smsc = share_rate.smsc AND s.until <= at;
        SELECT count(*) INTO senders FROM sender s WHERE s.smsc = share_rate.smsc;
        RETURN NEXT;
    END LOOP;
END
$$;

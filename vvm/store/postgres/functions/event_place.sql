-- The transaction before whose events those of earlier moments lie, by halves: an index of moments would cost
-- every deposit.
CREATE OR REPLACE FUNCTION event_place(moment bigint) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
DECLARE
    low bigint;
    high bigint;
    middle bigint;
    seen record;
BEGIN
    SELECT coalesce(min(e.xid), 0), coalesce(max(e.xid), -1) + 1 INTO low, high FROM event e;
    WHILE low < high LOOP
        middle := low + (high - low) / 2;
        SELECT e.xid, e.at INTO seen FROM event e WHERE e.xid >= middle ORDER BY e.xid, e.id LIMIT 1;
        IF FOUND AND seen.at < moment THEN
            low := seen.xid + 1;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN low;
END
$$;

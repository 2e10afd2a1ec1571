-- Behind which place of the feed no event of an earlier moment lies, by halves: an index of moments would cost
-- every deposit.  First among the transactions, then within the one before: what was copied or restored stands
-- in one.
CREATE OR REPLACE FUNCTION feed_place(moment bigint, OUT at_xid bigint, OUT at_id bigint) STABLE LANGUAGE plpgsql AS $$
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
    SELECT e.xid, e.id + 1 INTO at_xid, high FROM event e WHERE e.xid < low ORDER BY e.xid DESC, e.id DESC LIMIT 1;
    IF NOT FOUND THEN
        at_xid := low;
        at_id := 0;
        RETURN;
    END IF;
    SELECT e.id INTO low FROM event e WHERE e.xid = at_xid ORDER BY e.xid, e.id LIMIT 1;
    WHILE low < high LOOP
        middle := low + (high - low) / 2;
        SELECT e.id, e.at INTO seen FROM event e WHERE e.xid = at_xid AND e.id >= middle ORDER BY e.xid, e.id LIMIT 1;
        IF FOUND AND seen.at < moment THEN
            low := seen.id + 1;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    at_id := low;
END
$$;

-- Keywords in the spelling of a folder, which knows them from now on (vvm.store.keywords.spelled).
-- Raises VVM01 when it would know too many.  The lock is the caller's.
CREATE OR REPLACE FUNCTION spell_keywords(box bigint, place bigint, wanted text[]) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    known text[];
    fresh text[];
    most CONSTANT bigint := 64;
BEGIN
    IF cardinality(wanted) = 0 THEN
        RETURN wanted;
    END IF;
    SELECT string_to_array(f.keywords, ' ') INTO known FROM folder f WHERE f.mailbox_id = box AND f.id = place;
    SELECT coalesce(array_agg(n.name ORDER BY n.name COLLATE "C"), '{}') INTO fresh
      FROM (SELECT min(w COLLATE "C") AS name FROM unnest(wanted) AS w
             WHERE NOT EXISTS (SELECT 1 FROM unnest(known) AS k WHERE lower(k) = lower(w))
             GROUP BY lower(w)) AS n;
    IF fresh <> '{}' THEN
        IF cardinality(known) + cardinality(fresh) > most THEN
            RAISE EXCEPTION 'too many keywords' USING ERRCODE = 'VVM01';
        END IF;
        known := known || fresh;
        UPDATE folder f SET keywords = array_to_string(known, ' ') WHERE f.mailbox_id = box AND f.id = place;
    END IF;
    RETURN ARRAY(SELECT k FROM unnest(known) AS k WHERE lower(k) IN (SELECT lower(w) FROM unnest(wanted) AS w));
END
$$;

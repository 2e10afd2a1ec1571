-- A message with its content, journal record and owed notifications.  What stays "" in outcome was stored;
-- otherwise nothing was: "known" by its key, "full" (used of most, in unit), "no folder", or "swept" by the sweeper.
-- Raises VVM01 (spell_keywords).
-- The content's octets are parameters of their own: they are not to be copied into JSON.
CREATE OR REPLACE FUNCTION deposit(
    box bigint, folder_name text, given jsonb,
    layout bytea, octets bytea, original_layout bytea, original_octets bytea, owed jsonb,
    OUT outcome text, OUT uid bigint, OUT used bigint, OUT most bigint, OUT unit text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    new record;
    place folder%ROWTYPE;
    content bigint;
    original bigint;
    blob text;
    greeting_on CONSTANT bigint := 32;
BEGIN
    outcome := '';
    SELECT * INTO new FROM jsonb_to_record(given) AS m (
        key text, flags bigint, kind text, caller text, received_at bigint, utc_offset bigint, seconds bigint,
        names text[], keywords text, seen boolean, blob text, size bigint, original_blob text, original_size bigint,
        nearly_full jsonb);
    PERFORM 1 FROM mailbox m WHERE m.id = box FOR UPDATE;
    IF new.key IS NOT NULL THEN
        SELECT k.uid INTO uid FROM deposit_key k WHERE k.mailbox_id = box AND k.key = new.key;
        IF FOUND THEN
            outcome := 'known';
            RETURN;
        END IF;
    END IF;
    SELECT f.* INTO place FROM folder f WHERE f.mailbox_id = box AND f.name = folder_name;
    IF NOT FOUND THEN
        outcome := 'no folder';
        RETURN;
    END IF;
    SELECT w.unit, w.used, w.most INTO unit, used, most
      FROM full_with(box, place.id, 1, new.size, new.seconds) AS w;
    IF unit <> '' THEN
        outcome := 'full';
        RETURN;
    END IF;
    FOREACH blob IN ARRAY array_remove(ARRAY[new.blob, new.original_blob], NULL) LOOP
        -- Whoever condemns a blob takes the same lock: either sees what the other has done.
        PERFORM pg_advisory_xact_lock_shared(hashtextextended(blob, 0));
        IF EXISTS (SELECT 1 FROM loose_blob b WHERE b.key = blob) THEN
            outcome := 'swept';
            RETURN;
        END IF;
    END LOOP;
    IF new.names IS NOT NULL THEN  -- an older release sends keywords, spelled by itself
        new.keywords := keyword_text(spell_keywords(box, place.id, new.names));
    END IF;
    UPDATE folder f
       SET uid_next = f.uid_next + 1,
           highest_modseq = f.highest_modseq + 1,
           messages = f.messages + 1,
           unseen = f.unseen + CASE WHEN new.seen THEN 0 ELSE 1 END,
           octets = f.octets + new.size
     WHERE f.mailbox_id = box AND f.id = place.id
    RETURNING f.* INTO place;
    uid := place.uid_next - 1;
    INSERT INTO content (mailbox_id, layout, octets, blob, blob_size)
    VALUES (box, deposit.layout, deposit.octets, new.blob, CASE WHEN new.blob IS NOT NULL THEN new.size END)
    RETURNING id INTO content;
    IF original_octets IS NOT NULL THEN
        INSERT INTO content (mailbox_id, layout, octets, blob, blob_size)
        VALUES (box, original_layout, original_octets, new.original_blob,
                CASE WHEN new.original_blob IS NOT NULL THEN new.original_size END)
        RETURNING id INTO original;
    END IF;
    INSERT INTO message (mailbox_id, folder_id, uid, modseq, flags, kind, caller, received_at, utc_offset,
                         seconds, size, content_id, keywords, original_id, original_size)
    VALUES (box, place.id, deposit.uid, place.highest_modseq, new.flags, new.kind, new.caller, new.received_at,
            new.utc_offset, new.seconds, new.size, content, new.keywords, original, new.original_size);
    INSERT INTO journal VALUES (box, place.id, place.highest_modseq, deposit.uid, 'deposited');
    IF new.flags & greeting_on <> 0 THEN
        PERFORM silence_greetings(box, place.id, place.highest_modseq, new.kind, deposit.uid);
    END IF;
    IF new.key IS NOT NULL THEN
        INSERT INTO deposit_key VALUES (box, new.key, deposit.uid);
    END IF;
    PERFORM owe(owed, deposit.uid);
    IF new.nearly_full IS NOT NULL AND place.id <> 2 AND crossed(box, new.size, new.seconds) THEN
        PERFORM owe(new.nearly_full, NULL);
    END IF;
END
$$;

-- A deleted message comes back, as a new one.  What stays "" in outcome was done; otherwise nothing was: "gone", or
-- "full" (used of most, in unit).
CREATE OR REPLACE FUNCTION restore(
    box bigint, deleted bigint, owed jsonb,
    OUT outcome text, OUT uid bigint, OUT used bigint, OUT most bigint, OUT unit text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    back deleted_message%ROWTYPE;
    place folder%ROWTYPE;
    names text;
    dropped CONSTANT bigint := 2 | 32;  -- DELETED, GREETING_ON
BEGIN
    outcome := '';
    PERFORM 1 FROM mailbox b WHERE b.id = box FOR UPDATE;
    SELECT d.* INTO back FROM deleted_message d WHERE d.mailbox_id = box AND d.id = deleted;
    IF NOT FOUND THEN
        outcome := 'gone';
        RETURN;
    END IF;
    place.id := CASE WHEN back.greeting THEN 2 ELSE 1 END;
    SELECT w.unit, w.used, w.most INTO unit, used, most FROM full_with(box, place.id, 1, back.size, back.seconds) AS w;
    IF unit <> '' THEN
        outcome := 'full';
        RETURN;
    END IF;
    names := keyword_text(spell_keywords(box, place.id, string_to_array(coalesce(back.keywords, ''), ' ')));
    UPDATE folder f
       SET uid_next = f.uid_next + 1,
           highest_modseq = f.highest_modseq + 1,
           messages = f.messages + 1,
           unseen = f.unseen + 1 - (back.flags & 1),
           octets = f.octets + back.size
     WHERE f.mailbox_id = box AND f.id = place.id
    RETURNING f.* INTO place;
    uid := place.uid_next - 1;
    DELETE FROM deleted_message d WHERE d.mailbox_id = box AND d.id = back.id;
    INSERT INTO message (mailbox_id, folder_id, uid, modseq, flags, kind, caller, received_at, utc_offset,
                         seconds, size, content_id, keywords, original_id, original_size, identity)
    VALUES (box, place.id, restore.uid, place.highest_modseq, back.flags & ~dropped, back.kind, back.caller,
            back.received_at, back.utc_offset, back.seconds, back.size, back.content_id, names, back.original_id,
            back.original_size, back.identity);
    INSERT INTO journal VALUES (box, place.id, place.highest_modseq, restore.uid, 'deposited');
    PERFORM owe(owed, NULL);
END
$$;

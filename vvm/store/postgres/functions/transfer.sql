-- Copy messages into another folder, or move them: those of uids that are there, all when it is NULL
-- (vvm.store.folders.FolderStore.copy).  What stays "" in outcome was done; otherwise nothing was: "no source",
-- "no target", or "full" (used of most, in unit).
CREATE OR REPLACE FUNCTION transfer(
    box bigint, folder_name text, uids bigint[], target_name text, moving boolean, owed jsonb,
    OUT outcome text, OUT uid_validity bigint, OUT sources bigint[], OUT copies bigint[],
    OUT used bigint, OUT most bigint, OUT unit text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    source folder%ROWTYPE;
    target folder%ROWTYPE;
    total record;
    carried text[];
    left_behind CONSTANT bigint := 32;  -- GREETING_ON
BEGIN
    outcome := '';
    PERFORM 1 FROM mailbox b WHERE b.id = box FOR UPDATE;
    SELECT f.* INTO source FROM folder f WHERE f.mailbox_id = box AND f.name = folder_name;
    IF NOT FOUND THEN
        outcome := 'no source';
        RETURN;
    END IF;
    SELECT f.* INTO target FROM folder f WHERE f.mailbox_id = box AND f.name = target_name;
    IF NOT FOUND THEN
        outcome := 'no target';
        RETURN;
    END IF;
    uid_validity := target.uid_validity;
    SELECT coalesce(array_agg(m.uid ORDER BY m.uid), '{}') AS uids, count(*) AS messages,
           count(*) FILTER (WHERE m.flags & 1 = 0) AS unseen, sum(m.size)::bigint AS octets,
           sum(m.seconds)::bigint AS seconds,
           string_to_array(coalesce(string_agg(m.keywords, ' '), ''), ' ') AS keywords
      INTO total
      FROM message m
     WHERE m.mailbox_id = box AND m.folder_id = source.id
       AND (transfer.uids IS NULL OR m.uid = ANY (transfer.uids));
    sources := total.uids;
    copies := '{}';
    IF total.messages = 0 THEN
        RETURN;
    END IF;
    IF NOT moving OR (source.id = 2) <> (target.id = 2) THEN  -- Greetings (2) has a limit of its own
        SELECT w.unit, w.used, w.most INTO unit, used, most
          FROM full_with(box, target.id, total.messages, total.octets, total.seconds) AS w;
        IF unit <> '' THEN
            outcome := 'full';
            RETURN;
        END IF;
    END IF;
    carried := spell_keywords(box, target.id, total.keywords);
    UPDATE folder f
       SET uid_next = f.uid_next + total.messages,
           highest_modseq = f.highest_modseq + 1,
           messages = f.messages + total.messages,
           unseen = f.unseen + total.unseen,
           octets = f.octets + total.octets
     WHERE f.mailbox_id = box AND f.id = target.id
    RETURNING f.* INTO target;
    copies := ARRAY(SELECT generate_series(target.uid_next - total.messages, target.uid_next - 1));
    INSERT INTO message (mailbox_id, folder_id, uid, modseq, flags, kind, caller, received_at, utc_offset,
                         seconds, size, content_id, keywords, original_id, original_size, identity)
    SELECT box, target.id, w.copy, target.highest_modseq, m.flags & ~left_behind, m.kind, m.caller, m.received_at,
           m.utc_offset, m.seconds, m.size, m.content_id,
           keyword_text(ARRAY(SELECT c FROM unnest(carried) AS c
                               WHERE lower(c) = ANY (string_to_array(lower(m.keywords), ' ')))),
           m.original_id, m.original_size,
           coalesce(m.identity, source.uid_validity || '-' || source.id || '-' || m.uid)
      FROM unnest(sources, copies) AS w (uid, copy)
      JOIN message m ON m.mailbox_id = box AND m.folder_id = source.id AND m.uid = w.uid;
    INSERT INTO journal SELECT box, target.id, target.highest_modseq, c, 'deposited' FROM unnest(copies) AS c;
    IF moving THEN
        -- The content stays.  The target may be the source, so its counters are read again.
        DELETE FROM message m WHERE m.mailbox_id = box AND m.folder_id = source.id AND m.uid = ANY (sources);
        UPDATE folder f
           SET highest_modseq = f.highest_modseq + 1,
               messages = f.messages - total.messages,
               unseen = f.unseen - total.unseen,
               octets = f.octets - total.octets
         WHERE f.mailbox_id = box AND f.id = source.id
        RETURNING f.highest_modseq INTO source.highest_modseq;
        INSERT INTO journal SELECT box, source.id, source.highest_modseq, s, 'expunged' FROM unnest(sources) AS s;
    ELSE
        INSERT INTO shared_content AS s (mailbox_id, content_id, messages)
        SELECT box, m.content_id, 1 + count(*)
          FROM message m
         WHERE m.mailbox_id = box AND m.folder_id = target.id AND m.uid = ANY (copies) GROUP BY m.content_id
            ON CONFLICT (mailbox_id, content_id) DO UPDATE SET messages = s.messages + excluded.messages - 1;
    END IF;
    PERFORM owe(owed, NULL);
END
$$;

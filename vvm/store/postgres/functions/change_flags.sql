-- Remove flags and keywords, then add; answers every message named that exists, as it is then
-- (vvm.store.port.MailboxStore.change_flags).
CREATE OR REPLACE FUNCTION change_flags(box bigint, folder_name text, uids bigint[], change jsonb, owed jsonb)
RETURNS TABLE (uid bigint, flags bigint, modseq bigint, keywords text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    place folder%ROWTYPE;
    asked record;
    added text[];     -- in the folder's spelling
    last bigint[];    -- who has GREETING_ON from now on, one a kind
    moved bigint[];
    new_flags bigint[];
    new_keywords text[];
    heard bigint;     -- how many are SEEN from now on
    greeting_on CONSTANT bigint := 32;
BEGIN
    SELECT * INTO asked FROM jsonb_to_record(change) AS c (
        add bigint, remove bigint, unchanged_since bigint, add_keywords text[], remove_keywords text[]);
    PERFORM 1 FROM mailbox b WHERE b.id = box FOR UPDATE;
    SELECT f.* INTO place FROM folder f WHERE f.mailbox_id = box AND f.name = folder_name;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    uids := ARRAY(
        SELECT m.uid FROM message m
         WHERE m.mailbox_id = box AND m.folder_id = place.id AND m.uid = ANY (change_flags.uids)
           AND m.modseq <= coalesce(asked.unchanged_since, m.modseq));
    IF uids = '{}' THEN
        RETURN;
    END IF;
    IF asked.add & greeting_on <> 0 THEN
        last := ARRAY(
            SELECT max(m.uid) FROM message m
             WHERE m.mailbox_id = box AND m.folder_id = place.id AND m.uid = ANY (change_flags.uids) GROUP BY m.kind);
    END IF;
    added := spell_keywords(box, place.id, asked.add_keywords);
    SELECT array_agg(w.uid), array_agg(w.flags), array_agg(w.keywords), sum((w.flags & 1) - (w.old_flags & 1))
      INTO moved, new_flags, new_keywords, heard
      FROM (SELECT m.uid, m.flags AS old_flags, m.keywords AS old_keywords,
                   ((m.flags & ~asked.remove) | asked.add)
                   & ~CASE WHEN m.uid <> ALL (last) THEN greeting_on ELSE 0 END AS flags,
                   keyword_text(added || ARRAY(
                       SELECT k FROM string_to_table(m.keywords, ' ') AS k
                        WHERE asked.remove_keywords IS NOT NULL AND lower(k) <> ALL (asked.remove_keywords))) AS keywords
              FROM message m
             WHERE m.mailbox_id = box AND m.folder_id = place.id AND m.uid = ANY (change_flags.uids)) AS w
     WHERE w.flags <> w.old_flags OR w.keywords IS DISTINCT FROM w.old_keywords;
    IF moved IS NOT NULL THEN
        UPDATE folder f SET highest_modseq = f.highest_modseq + 1, unseen = f.unseen - heard
         WHERE f.mailbox_id = box AND f.id = place.id
        RETURNING f.highest_modseq INTO place.highest_modseq;
        UPDATE message m SET flags = w.flags, keywords = w.keywords, modseq = place.highest_modseq
          FROM unnest(moved, new_flags, new_keywords) AS w (uid, flags, keywords)
         WHERE m.mailbox_id = box AND m.folder_id = place.id AND m.uid = ANY (moved) AND m.uid = w.uid;
        INSERT INTO journal SELECT box, place.id, place.highest_modseq, n, 'flags' FROM unnest(moved) AS n;
        PERFORM silence_greetings(box, place.id, place.highest_modseq, m.kind, m.uid)
           FROM message m WHERE m.mailbox_id = box AND m.folder_id = place.id AND m.uid = ANY (last);
        PERFORM owe(owed, NULL);
    END IF;
    RETURN QUERY
        SELECT m.uid, m.flags, m.modseq, m.keywords FROM message m
         WHERE m.mailbox_id = box AND m.folder_id = place.id AND m.uid = ANY (change_flags.uids)
         ORDER BY m.uid;
END
$$;

-- Remove what is flagged DELETED, among uids unless they are NULL; answers the UIDs, ascending.
CREATE OR REPLACE FUNCTION expunge(box bigint, folder_name text, uids bigint[], owed jsonb)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    place bigint;
    gone record;
    new_modseq bigint;
    deleted CONSTANT bigint := 2;
BEGIN
    PERFORM 1 FROM mailbox WHERE id = box FOR UPDATE;
    SELECT id INTO place FROM folder WHERE mailbox_id = box AND name = folder_name;
    SELECT coalesce(array_agg(m.uid ORDER BY m.uid), '{}') AS uids, count(*) AS messages,
           count(*) FILTER (WHERE m.flags & 1 = 0) AS unseen, sum(m.size) AS octets
      INTO gone
      FROM message m
     WHERE m.mailbox_id = box AND m.folder_id = place AND m.flags & deleted <> 0
       AND (expunge.uids IS NULL OR m.uid = ANY (expunge.uids));
    IF gone.messages = 0 THEN
        RETURN gone.uids;
    END IF;
    UPDATE folder
       SET highest_modseq = highest_modseq + 1, messages = messages - gone.messages,
           unseen = unseen - gone.unseen, octets = octets - gone.octets
     WHERE mailbox_id = box AND id = place
    RETURNING highest_modseq INTO new_modseq;
    PERFORM let_go(box, place, gone.uids);
    INSERT INTO journal SELECT box, place, new_modseq, uid, 'expunged' FROM unnest(gone.uids) AS uid;
    PERFORM owe(owed, NULL);
    RETURN gone.uids;
END
$$;

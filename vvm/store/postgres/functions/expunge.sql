-- Remove what is flagged DELETED, among uids unless they are NULL; answers the UIDs, ascending.
CREATE OR REPLACE FUNCTION expunge(box bigint, folder_name text, uids bigint[], owed jsonb)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    place bigint;
    gone bigint[];
    deleted CONSTANT bigint := 2;
BEGIN
    PERFORM 1 FROM mailbox WHERE id = box FOR UPDATE;
    SELECT id INTO place FROM folder WHERE mailbox_id = box AND name = folder_name;
    SELECT coalesce(array_agg(m.uid ORDER BY m.uid), '{}') INTO gone
      FROM message m
     WHERE m.mailbox_id = box AND m.folder_id = place AND m.flags & deleted <> 0
       AND (expunge.uids IS NULL OR m.uid = ANY (expunge.uids));
    IF gone <> '{}' THEN
        PERFORM remove_messages(box, place, gone);
        PERFORM owe(owed, NULL);
    END IF;
    RETURN gone;
END
$$;

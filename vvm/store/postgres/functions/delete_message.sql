-- Remove one message, flagged DELETED or not.  What stays "" was removed; otherwise nothing was: "gone", or
-- "changed" when its MODSEQ is above the one given.
CREATE OR REPLACE FUNCTION delete_message(
    box bigint, folder_name text, message_uid bigint, unchanged_since bigint, owed jsonb
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    place bigint;
    last_modseq bigint;
BEGIN
    PERFORM 1 FROM mailbox WHERE id = box FOR UPDATE;
    SELECT m.folder_id, m.modseq INTO place, last_modseq
      FROM folder f JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
     WHERE f.mailbox_id = box AND f.name = folder_name AND m.uid = message_uid;
    IF NOT FOUND THEN
        RETURN 'gone';
    ELSIF last_modseq > unchanged_since THEN
        RETURN 'changed';
    END IF;
    PERFORM remove_messages(box, place, ARRAY[message_uid]);
    PERFORM owe(owed, NULL);
    RETURN '';
END
$$;

-- Of one kind, all but the one that is on from now on.
CREATE OR REPLACE FUNCTION silence_greetings(
    box bigint, folder bigint, new_modseq bigint, one_kind text, last bigint
) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    WITH silenced AS (
        UPDATE message SET flags = flags - 32, modseq = new_modseq
         WHERE mailbox_id = box AND folder_id = folder AND kind = one_kind AND uid <> last AND flags & 32 <> 0
        RETURNING uid)
    INSERT INTO journal SELECT box, folder, new_modseq, uid, 'flags' FROM silenced;
END
$$;

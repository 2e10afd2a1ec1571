-- Take messages out of a folder: counters, journal, and what becomes of them.  The lock is the caller's.
CREATE OR REPLACE FUNCTION remove_messages(box bigint, place bigint, gone bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    new_modseq bigint;
BEGIN
    UPDATE folder f
       SET highest_modseq = f.highest_modseq + 1, messages = f.messages - old.messages,
           unseen = f.unseen - old.unseen, octets = f.octets - old.octets
      FROM (SELECT count(*) AS messages, count(*) FILTER (WHERE m.flags & 1 = 0) AS unseen, sum(m.size) AS octets
              FROM message m
             WHERE m.mailbox_id = box AND m.folder_id = place AND m.uid = ANY (gone)) AS old
     WHERE f.mailbox_id = box AND f.id = place
    RETURNING f.highest_modseq INTO new_modseq;
    PERFORM let_go(box, place, gone);
    INSERT INTO journal SELECT box, place, new_modseq, uid, 'expunged' FROM unnest(gone) AS uid;
END
$$;

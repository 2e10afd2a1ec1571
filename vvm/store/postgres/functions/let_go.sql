-- Messages leave a folder: kept so that they can be restored, or for ever.  Counters and journal are the caller's,
-- and so is the lock on the mailbox.
CREATE OR REPLACE FUNCTION let_go(box bigint, place bigint, gone bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    days bigint;   -- what its class of service says
    kept boolean;  -- because of that, or of a legal hold
    released record;
    now_at CONSTANT bigint := extract(epoch FROM clock_timestamp()) * 1000000;
BEGIN
    SELECT coalesce(c.deleted_days, 0), b.held OR (place <> 2 AND c.deleted_days > 0) INTO days, kept
      FROM mailbox b LEFT JOIN cos c ON c.name = b.cos WHERE b.id = box;
    IF kept THEN
        INSERT INTO deleted_message (mailbox_id, folder, greeting, uid, flags, kind, caller, received_at, utc_offset,
                                     seconds, size, content_id, keywords, original_id, original_size, identity,
                                     deleted_at, purge_at)
        SELECT box, f.name, place = 2, m.uid, m.flags, m.kind, m.caller, m.received_at, m.utc_offset, m.seconds,
               m.size, m.content_id, m.keywords, m.original_id, m.original_size,
               coalesce(m.identity, f.uid_validity || '-' || f.id || '-' || m.uid), now_at,
               now_at + days * 86400000000
          FROM message m JOIN folder f ON f.mailbox_id = m.mailbox_id AND f.id = m.folder_id
         WHERE m.mailbox_id = box AND m.folder_id = place AND m.uid = ANY (gone)
         ORDER BY m.uid;
    END IF;
    WITH left_it AS (
        DELETE FROM message m WHERE m.mailbox_id = box AND m.folder_id = place AND m.uid = ANY (gone)
        RETURNING m.content_id, m.original_id)
    SELECT array_agg(content_id) AS contents, array_agg(original_id) AS originals INTO released FROM left_it;
    IF NOT coalesce(kept, false) THEN
        PERFORM release_contents(box, released.contents, released.originals);
    END IF;
END
$$;

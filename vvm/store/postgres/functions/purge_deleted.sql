-- Lose for ever what is due of deleted messages, a mailbox after the other; how many they were.
-- The lock comes before the second look: a hold that was laid meanwhile is seen.
CREATE OR REPLACE FUNCTION purge_deleted(due bigint, most bigint) RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    box bigint;
    released record;
    purged bigint := 0;
BEGIN
    FOR box IN
        SELECT DISTINCT mailbox_id FROM
            (SELECT d.mailbox_id FROM deleted_message d JOIN mailbox b ON b.id = d.mailbox_id AND NOT b.held
              WHERE d.purge_at <= due
              ORDER BY d.purge_at LIMIT most) AS oldest
         ORDER BY mailbox_id
    LOOP
        PERFORM 1 FROM mailbox b WHERE b.id = box AND NOT b.held FOR UPDATE;
        CONTINUE WHEN NOT FOUND;
        WITH gone AS (
            DELETE FROM deleted_message d WHERE d.mailbox_id = box AND d.purge_at <= due
            RETURNING d.content_id, d.original_id)
        SELECT array_agg(content_id) AS contents, array_agg(original_id) AS originals, count(*) AS messages
          INTO released FROM gone;
        IF released.messages > 0 THEN
            PERFORM release_contents(box, released.contents, released.originals);
            purged := purged + released.messages;
        END IF;
    END LOOP;
    RETURN purged;
END
$$;

-- Whether a mailbox came to the warn_percent of the nearest of its limits by one message that is in it now
-- (vvm.domain.cos.crossed).
CREATE OR REPLACE FUNCTION crossed(box bigint, size bigint, spoken bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
    class cos%ROWTYPE;
    percent bigint;
    own bigint;  -- the limit of the subscriber
    messages bigint;
    octets bigint;
    seconds bigint;
BEGIN
    SELECT c.* INTO class FROM mailbox b JOIN cos c ON c.name = b.cos WHERE b.id = box;
    percent := (class.limits::jsonb ->> 'warn_percent')::bigint;
    IF percent IS NULL THEN
        RETURN false;
    END IF;
    SELECT sum(f.messages), sum(f.octets), max(f.max_messages) INTO messages, octets, own
      FROM folder f WHERE f.mailbox_id = box AND f.id <> 2;
    SELECT coalesce(sum(m.seconds), 0) INTO seconds FROM message m WHERE m.mailbox_id = box AND m.folder_id <> 2;
    RETURN (SELECT bool_or(100 * after >= percent * most) AND NOT bool_or(100 * before >= percent * most)
              FROM (VALUES (messages - 1, messages, coalesce(class.max_messages, own)),
                           (octets - size, octets, class.max_octets),
                           (seconds - spoken, seconds, class.max_seconds)) AS limited (before, after, most)
             WHERE most IS NOT NULL);
END
$$;

-- What is full when so much more comes into a folder; "" when nothing is.  Greetings (2) is counted alone,
-- everything else together, and a class of service may say how much.
CREATE OR REPLACE FUNCTION full_with(
    box bigint, place bigint, more_messages bigint, more_octets bigint, more_seconds bigint,
    OUT unit text, OUT used bigint, OUT most bigint
) LANGUAGE plpgsql AS $$
DECLARE
    class cos%ROWTYPE;
    octets bigint;
    spoken bigint;
BEGIN
    unit := '';
    SELECT f.messages, f.max_messages INTO used, most FROM folder f WHERE f.mailbox_id = box AND f.id = place;
    IF place <> 2 THEN
        SELECT c.* INTO class FROM mailbox b JOIN cos c ON c.name = b.cos WHERE b.id = box;
        SELECT sum(f.messages), sum(f.octets) INTO used, octets FROM folder f WHERE f.mailbox_id = box AND f.id <> 2;
        most := coalesce(class.max_messages, most);
    END IF;
    IF used + more_messages > most THEN
        unit := 'messages';
    ELSIF class.max_octets IS NOT NULL OR class.max_seconds IS NOT NULL THEN
        SELECT coalesce(sum(m.seconds), 0) INTO spoken FROM message m WHERE m.mailbox_id = box AND m.folder_id <> 2;
        IF octets + more_octets > class.max_octets OR spoken + more_seconds > class.max_seconds THEN
            IF class.max_octets IS NULL OR spoken * class.max_octets > octets * class.max_seconds THEN
                SELECT 'seconds', spoken, class.max_seconds INTO unit, used, most;
            ELSE
                SELECT 'octets', octets, class.max_octets INTO unit, used, most;
            END IF;
        END IF;
    END IF;
END
$$;

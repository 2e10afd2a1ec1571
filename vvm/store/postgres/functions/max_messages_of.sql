-- How many messages a folder, or all but Greetings (2) together, may hold.
CREATE OR REPLACE FUNCTION max_messages_of(place folder, class text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF place.id = 2 OR class IS NULL THEN
        RETURN place.max_messages;
    END IF;
    RETURN coalesce((SELECT c.max_messages FROM cos c WHERE c.name = class), place.max_messages);
END
$$;

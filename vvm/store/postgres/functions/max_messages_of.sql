-- How many messages a folder, or all but Greetings (2) together, may hold.
CREATE OR REPLACE FUNCTION max_messages_of(place folder, class text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE place.id WHEN 2 THEN place.max_messages ELSE
           coalesce((SELECT c.max_messages FROM cos c WHERE c.name = class), place.max_messages) END
$$;

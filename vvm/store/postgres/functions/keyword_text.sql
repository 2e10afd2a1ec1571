-- The keywords of a message as its row holds them: in order, each once; NULL for none.
CREATE OR REPLACE FUNCTION keyword_text(names text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(DISTINCT name COLLATE "C", ' ' ORDER BY name COLLATE "C") FROM unnest(names) AS name
$$;

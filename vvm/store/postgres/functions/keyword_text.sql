-- The keywords of a message as its row holds them: in order, each once; NULL for none.
CREATE OR REPLACE FUNCTION keyword_text(names text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (SELECT string_agg(DISTINCT name COLLATE "C", ' ' ORDER BY name COLLATE "C") FROM unnest(names) AS name);
END
$$;

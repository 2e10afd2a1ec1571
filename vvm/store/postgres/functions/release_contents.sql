-- contents[n] and originals[n] have one message less; who has no message any more goes, and its original too.
CREATE OR REPLACE FUNCTION release_contents(box bigint, contents bigint[], originals bigint[])
RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    UPDATE shared_content s SET messages = s.messages - gone.messages
      FROM (SELECT content, count(*) AS messages FROM unnest(contents) AS content GROUP BY content) AS gone
     WHERE s.mailbox_id = box AND s.content_id = gone.content;

    DELETE FROM content c
     WHERE c.mailbox_id = box
       AND c.id IN (SELECT unnest(ARRAY[gone.content, gone.original])
                      FROM unnest(contents, originals) AS gone (content, original)
                     WHERE NOT EXISTS (SELECT 1 FROM shared_content s
                                        WHERE s.mailbox_id = box AND s.content_id = gone.content
                                          AND s.messages > 0));

    DELETE FROM shared_content s
     WHERE s.mailbox_id = box AND s.content_id = ANY (contents) AND s.messages < 2;
END
$$;

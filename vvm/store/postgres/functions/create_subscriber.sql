-- A subscriber with its names, its mailbox, INBOX and Greetings.  What stays "" in outcome was made; otherwise nothing
-- was: somebody is called so ("exists"), or one of its numbers may not be given again yet ("quarantined").
-- Raises VVM02: no such class of service.  What must not be in JSON is a parameter of its own.
CREATE OR REPLACE FUNCTION create_subscriber(
    given jsonb, password_check bytea, password_sealed bytea,
    OUT outcome text, OUT id bigint, OUT mailbox_id bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    new record;
    numbers text[];
BEGIN
    outcome := '';
    SELECT * INTO new FROM jsonb_to_record(given) AS s (
        msisdn text, status text, client text, language text, setup_done boolean, max_messages bigint,
        max_greetings bigint, imap_user text, created_at bigint, pin_check text, fallback text, cos text,
        actor text, aliases text[], held boolean, closing_at bigint, closed_from text, transitions jsonb);
    -- A release before this one knows of no more than one number, and of one transition.
    new.aliases := coalesce(new.aliases, '{}');
    new.transitions := coalesce(new.transitions, jsonb_build_array(jsonb_build_object(
        'trigger', 'created', 'after', new.status, 'reason', '')));
    numbers := ARRAY[new.msisdn] || new.aliases;
    IF new.cos IS NOT NULL THEN
        PERFORM 1 FROM cos c WHERE c.name = new.cos FOR KEY SHARE;  -- which stays until the end of the transaction
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no such class of service' USING ERRCODE = 'VVM02';
        END IF;
    END IF;
    PERFORM 1 FROM directory d WHERE d.name = ANY (numbers) AND d.kind = 'msisdn'
    UNION ALL SELECT 1 FROM directory d WHERE d.name = new.imap_user AND d.kind = 'imap_user';
    IF FOUND THEN
        outcome := 'exists';
        RETURN;
    END IF;
    -- Whoever takes a name after that look is met here, and all of it is run again.
    id := nextval('subscriber_ids');
    mailbox_id := nextval('mailbox_ids');
    INSERT INTO directory (name, kind, id)
    SELECT n, 'msisdn', create_subscriber.id FROM unnest(numbers) AS n
    UNION ALL VALUES (new.imap_user, 'imap_user', create_subscriber.id);
    -- Asked when the names are ours already: whoever left one has committed.
    PERFORM 1 FROM old_number o WHERE o.msisdn = ANY (numbers) AND o.until > new.created_at;
    IF FOUND THEN
        DELETE FROM directory d WHERE d.name = ANY (numbers) AND d.kind = 'msisdn';
        DELETE FROM directory d WHERE d.name = new.imap_user AND d.kind = 'imap_user';
        outcome := 'quarantined';
        RETURN;
    END IF;
    INSERT INTO mailbox (id, status, msisdn, cos, held)
    VALUES (create_subscriber.mailbox_id, new.status, new.msisdn, new.cos, coalesce(new.held, false));
    INSERT INTO subscriber (id, mailbox_id, msisdn, status, client, language, setup_done, max_messages, imap_user,
                            password_check, password_sealed, created_at, changed_at, pin_check, fallback, cos,
                            held, closing_at, closed_from)
    VALUES (create_subscriber.id, create_subscriber.mailbox_id, new.msisdn, new.status, new.client, new.language,
            new.setup_done, new.max_messages, new.imap_user, create_subscriber.password_check,
            create_subscriber.password_sealed, new.created_at, new.created_at, new.pin_check, new.fallback, new.cos,
            coalesce(new.held, false), new.closing_at, new.closed_from);
    INSERT INTO alias (subscriber_id, msisdn) SELECT create_subscriber.id, n FROM unnest(new.aliases) AS n;
    -- UIDVALIDITY grows with time and with each mailbox: a number that comes back at once gets another.
    INSERT INTO folder (mailbox_id, id, name, uid_validity, max_messages)
    SELECT create_subscriber.mailbox_id, f.id, f.name, new.created_at / 1000000 + create_subscriber.mailbox_id, f.most
      FROM (VALUES (1, 'INBOX', new.max_messages), (2, 'Greetings', new.max_greetings)) AS f (id, name, most);
    INSERT INTO subscription (mailbox_id, name)
    VALUES (create_subscriber.mailbox_id, 'INBOX'), (create_subscriber.mailbox_id, 'Greetings');
    INSERT INTO audit (msisdn, at, trigger, before, after, reason, actor)
    SELECT new.msisdn, new.created_at, t.one ->> 'trigger', t.one ->> 'before', t.one ->> 'after', t.one ->> 'reason',
           coalesce(new.actor, '')
      FROM jsonb_array_elements(new.transitions) WITH ORDINALITY AS t (one, place) ORDER BY t.place;
END
$$;

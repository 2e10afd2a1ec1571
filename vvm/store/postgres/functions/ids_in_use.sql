-- Each sequence of ids, and the highest of its ids that is in use.
CREATE OR REPLACE FUNCTION ids_in_use() RETURNS TABLE (name text, top bigint)
LANGUAGE sql STABLE AS $$
    VALUES ('subscriber_ids', (SELECT max(id) FROM subscriber)),
           ('mailbox_ids', (SELECT max(id) FROM mailbox)),
           ('content_ids', (SELECT max(id) FROM content)),
           ('deleted_message_ids', (SELECT max(id) FROM deleted_message)),
           ('device_ids', (SELECT max(id) FROM device)),
           ('visit_ids', (SELECT max(id) FROM visit)),
           ('audit_ids', (SELECT max(id) FROM audit)),
           ('event_ids', (SELECT max(id) FROM event)),
           ('outbox_ids', (SELECT max(id) FROM outbox)),
           ('inbound_ids', (SELECT max(id) FROM inbound))
$$;

-- What became of the segment that has this message id; null: no row has it.  DELIVERED closes a row with its last
-- segment, anything else at once, and what was held is due when the last gate of its recipient is open.  Returns the
-- way of what is closed: its cause, carrier, smsc, owed_at, accepted_at; an empty array where nothing is.
CREATE OR REPLACE FUNCTION note_report(named text, new_state text, at bigint) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    found_in record;
    sent outbox%ROWTYPE;
BEGIN
    -- The newest first, because some SMSCs use an id again.
    FOR found_in IN
        SELECT r.recipient, r.outbox_id, r.segment FROM receipt r WHERE r.message_id = named
         ORDER BY r.outbox_id DESC, r.segment
    LOOP
        SELECT o.* INTO sent FROM outbox o
         WHERE o.recipient = found_in.recipient AND o.id = found_in.outbox_id
           AND o.message_ids ->> found_in.segment::text = named
           FOR UPDATE;
        CONTINUE WHEN NOT FOUND;
        IF new_state = 'delivered' THEN
            UPDATE outbox o SET delivered = array_append(array_remove(o.delivered, found_in.segment), found_in.segment)
             WHERE o.recipient = sent.recipient AND o.id = sent.id
            RETURNING o.* INTO sent;
            IF cardinality(sent.delivered) < sent.segments THEN
                RETURN '[]';
            END IF;
        END IF;
        UPDATE outbox o SET state = new_state, settled_at = at, leased = false, gated_until = NULL
         WHERE o.recipient = sent.recipient AND o.id = sent.id AND o.state IN ('owed', 'sent');
        IF NOT FOUND THEN
            RETURN '[]';
        END IF;
        UPDATE outbox o SET due_at = at, held = false
         WHERE o.recipient = sent.recipient AND o.state = 'owed' AND o.held
           AND NOT EXISTS (SELECT 1 FROM outbox g WHERE g.recipient = sent.recipient AND g.gated_until > at);
        RETURN jsonb_build_array(sent.cause, sent.carrier, sent.smsc, sent.owed_at, sent.accepted_at);
    END LOOP;
    RETURN NULL;
END
$$;

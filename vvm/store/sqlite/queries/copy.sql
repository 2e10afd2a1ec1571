-- Tables that are kept otherwise than vvm.store.copying says.

-- name: mailbox
SELECT b.id, coalesce(s.status, ''), coalesce(s.msisdn, ''), s.cos, coalesce(s.held, 0), b.next_folder,
       b.uid_validity
  FROM mailbox b LEFT JOIN subscriber s ON s.mailbox_id = b.id
 ORDER BY b.id;

-- name: insert_mailbox
INSERT INTO mailbox (id, next_folder, uid_validity) VALUES (:id, :next_folder, :uid_validity);

-- name: content
SELECT h.mailbox_id, h.id, c.blob, c.blob_size
  FROM (SELECT mailbox_id, content_id AS id FROM message
        UNION SELECT mailbox_id, original_id FROM message WHERE original_id IS NOT NULL
        UNION SELECT mailbox_id, content_id FROM deleted_message
        UNION SELECT mailbox_id, original_id FROM deleted_message WHERE original_id IS NOT NULL) h
  JOIN content c ON c.id = h.id
 ORDER BY h.mailbox_id, h.id;

-- name: whole_content
SELECT :mailbox_id, id, blob, blob_size, layout, octets FROM content WHERE id = :id;

-- name: delete_content
DELETE FROM content WHERE id = :id;

-- name: insert_content
INSERT INTO content (id, blob, blob_size, layout, octets) VALUES (:id, :blob, :blob_size, :layout, :octets);

-- name: outbox
SELECT recipient, id, subscriber_id, family, cause, uid, return_code, state, owed_at, due_at, expires_at, attempts,
       leased, taken_at, held, gated_until, smpp_status, settled_at, holder, carrier, smsc, to_client, fetched_at,
       (SELECT max(accepted_at) FROM segment s WHERE s.outbox_id = outbox.id),
       (SELECT json_group_array(json_array(segment, total, message_id, delivered)) FROM
            (SELECT segment, total, message_id, delivered FROM segment s
              WHERE s.outbox_id = outbox.id ORDER BY segment))
  FROM outbox ORDER BY recipient, id;

-- name: insert_outbox
INSERT INTO outbox (recipient, id, subscriber_id, family, cause, uid, return_code, state, owed_at, due_at, expires_at,
                    attempts, leased, taken_at, held, gated_until, smpp_status, settled_at, holder, carrier,
                    smsc, to_client, fetched_at)
VALUES (:recipient, :id, :subscriber_id, :family, :cause, :uid, :return_code, :state, :owed_at, :due_at, :expires_at,
        :attempts, :leased, :taken_at, :held, :gated_until, :smpp_status, :settled_at, :holder, :carrier, :smsc,
        :to_client, :fetched_at);

-- name: delete_segments
DELETE FROM segment WHERE outbox_id = :id;

-- name: insert_segments
INSERT INTO segment (outbox_id, segment, total, message_id, delivered, accepted_at)
SELECT :id, value ->> 0, value ->> 1, value ->> 2, value ->> 3, :accepted_at FROM json_each(:segments);

-- name: delete_unheld_contents
-- Of messages that went while the copy was made.
DELETE FROM content
 WHERE id NOT IN (SELECT content_id FROM message
                  UNION ALL SELECT original_id FROM message WHERE original_id IS NOT NULL
                  UNION ALL SELECT content_id FROM deleted_message
                  UNION ALL SELECT original_id FROM deleted_message WHERE original_id IS NOT NULL);

-- name: old_number
-- 0: of somebody who is gone.
SELECT msisdn, coalesce(subscriber_id, 0), until FROM old_number ORDER BY msisdn;

-- name: insert_old_number
INSERT INTO old_number (msisdn, subscriber_id, until) VALUES (:msisdn, nullif(:subscriber_id, 0), :until);

-- name: last_ids
SELECT name, seq FROM sqlite_sequence;

-- name: raise_id
UPDATE sqlite_sequence SET seq = max(seq, :last) WHERE name = :name;

-- name: begin_id
INSERT INTO sqlite_sequence (name, seq)
SELECT :name, :last WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :name);

-- name: handover
SELECT role, place FROM handover;

-- name: mark
INSERT INTO handover (role, place) VALUES (:role, :place);

-- name: unmark
DELETE FROM handover;

-- name: triggers
SELECT name, sql FROM sqlite_schema WHERE type = 'trigger';

-- name: put_trigger_away
INSERT INTO handover_trigger (name, sql) VALUES (?, ?);

-- name: triggers_put_away
SELECT sql FROM handover_trigger;

-- name: forget_triggers
DELETE FROM handover_trigger;

-- name: tables
SELECT name FROM sqlite_schema
 WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('schema_version', 'handover', 'handover_trigger');

-- name: seals
SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'sealed_%';

-- Tables that are kept otherwise than vvm.store.copying says.

-- name: outbox
SELECT recipient, id, subscriber_id, family, cause, uid, return_code, state, owed_at, due_at, expires_at, attempts,
       leased, taken_at, held, gated_until, smpp_status, settled_at, holder, carrier, smsc, to_client, fetched_at,
       accepted_at,
       (SELECT '[' || coalesce(string_agg(format('[%s,%s,%s,%s]', m.key, o.segments, to_json(m.value),
                                                 (m.key::bigint = ANY (o.delivered))::int),
                                          ',' ORDER BY m.key::bigint), '') || ']'
          FROM jsonb_each_text(o.message_ids) AS m)
  FROM outbox o ORDER BY recipient COLLATE "C", id;

-- name: insert_receipts
INSERT INTO receipt (message_id, outbox_id, segment, recipient)
SELECT r.* FROM unnest(:message_ids::text[], :outbox_ids::bigint[], :segments::bigint[], :recipients::text[]) AS r
    ON CONFLICT DO NOTHING;

-- name: delete_receipts
DELETE FROM receipt WHERE message_id IN
    (SELECT m.value FROM unnest(:recipients::text[], :ids::bigint[]) AS k (recipient, id)
       JOIN outbox o ON o.recipient = k.recipient AND o.id = k.id
      CROSS JOIN jsonb_each_text(o.message_ids) AS m)
   AND outbox_id = ANY (:ids);

-- name: old_number
-- 0: of somebody who is gone.
SELECT o.msisdn, CASE WHEN EXISTS (SELECT 1 FROM subscriber s WHERE s.id = o.subscriber_id) THEN o.subscriber_id ELSE 0
       END, o.until
  FROM old_number o ORDER BY o.msisdn COLLATE "C";

-- name: webhook
-- A cursor of a target is the id of an event, of a source how many events it has passed.
SELECT id, url, kinds, secret_sealed, cursor_id, created_at, paused, failures, due_at FROM webhook ORDER BY id;

-- name: source_webhook
SELECT w.id, w.url, w.kinds, w.secret_sealed,
       (SELECT count(*) FROM event e WHERE (e.xid, e.id) <= (w.cursor_xid, w.cursor_id)),
       w.created_at, w.paused, w.failures, w.due_at
  FROM webhook w ORDER BY w.id;

-- name: event
-- What was copied belongs to no transaction of this database, and stands before all of them.
SELECT id, at, msisdn, kind, detail FROM event ORDER BY xid, id;

-- name: source_event
-- In the order in which readers see them, which is not that of their ids.
SELECT row_number() OVER (ORDER BY xid, id), at, msisdn, kind, detail FROM event ORDER BY xid, id;

-- name: last_ids
SELECT (SELECT coalesce(last_value, 0) FROM pg_sequences
         WHERE schemaname = current_schema() AND sequencename = :sequence);

-- name: next_id_behind
SELECT setval(:sequence::text::regclass, greatest(:last, (SELECT coalesce(last_value, 0) FROM pg_sequences
         WHERE schemaname = current_schema() AND sequencename = :sequence), 1));

-- name: forget_names
DELETE FROM directory;

-- name: insert_names
-- While the source is written to, two tables may be of two instants, and a name be in both; in the end it is not.
INSERT INTO directory (name, kind, id)
SELECT msisdn, 'msisdn', id FROM subscriber
UNION ALL SELECT imap_user, 'imap_user', id FROM subscriber
UNION ALL SELECT msisdn, 'msisdn', subscriber_id FROM alias
UNION ALL SELECT login, 'device', id FROM device
    ON CONFLICT DO NOTHING;

-- name: handover
SELECT role, place FROM handover;

-- name: mark
INSERT INTO handover (role, place) VALUES (:role, :place);

-- name: unmark
DELETE FROM handover;

-- name: tables
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND c.relname NOT IN ('schema_version', 'handover')
 ORDER BY c.relname;

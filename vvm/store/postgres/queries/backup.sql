-- name: origin
-- What a copy must be read with, and by whom.
SELECT v.version, v.compatible, current_setting('server_version_num')::integer / 10000 AS major,
       current_schema() AS namespace
  FROM schema_version v;

-- name: export
SELECT pg_export_snapshot();

-- name: vacant
SELECT to_regclass('schema_version') IS NULL AS vacant, current_schema() AS namespace,
       current_setting('server_version_num')::integer / 10000 AS major;

-- name: begin_mailboxes_anew
-- Greater than any that a folder of the mailbox had, with room for each of its folders.
UPDATE mailbox SET uid_validity = next_folder + greatest(:at::bigint, uid_validity,
    coalesce((SELECT max(f.uid_validity) FROM folder f WHERE f.mailbox_id = mailbox.id), 0));

-- name: begin_folders_anew
UPDATE folder f SET uid_validity = m.uid_validity - m.next_folder + f.id
  FROM mailbox m WHERE m.id = f.mailbox_id;

-- name: number_events
-- Another server counts its transactions from the beginning: all that is there stands before its first.
-- New numbers are behind those given, so that none is met on the way.
CREATE TEMPORARY TABLE numbered ON COMMIT DROP AS
SELECT msisdn, xid, id,
       (SELECT last_value FROM event_ids) + row_number() OVER (ORDER BY xid, id) AS number
  FROM event;

-- name: number_cursors
UPDATE webhook w
   SET cursor_xid = 0,
       cursor_id = coalesce((SELECT max(n.number) FROM numbered n
                              WHERE (n.xid, n.id) <= (w.cursor_xid, w.cursor_id)), 0);

-- name: renumber_events
UPDATE event e SET xid = 0, id = n.number
  FROM numbered n WHERE n.msisdn = e.msisdn AND n.xid = e.xid AND n.id = e.id;

-- name: number_next_event
SELECT setval('event_ids', greatest((SELECT max(id) FROM event), (SELECT last_value FROM event_ids)));

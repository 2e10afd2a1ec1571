-- name: deposit
SELECT outcome, uid, used, most, unit
  FROM deposit(:mailbox, :folder, :message::text::jsonb, :layout, :octets, :original_layout, :original_octets,
               :owed::text::jsonb);

-- name: folder_state
SELECT f.uid_validity, f.uid_next, f.highest_modseq, f.messages, f.unseen, f.octets,
       max_messages_of(f, m.cos), f.id, m.status, f.keywords
  FROM folder f JOIN mailbox m ON m.id = f.mailbox_id
 WHERE f.mailbox_id = :mailbox AND f.name = :folder;

-- name: used_messages
SELECT sum(messages) FROM folder WHERE mailbox_id = :mailbox AND id <> 2;

-- name: message_states
SELECT m.uid, m.flags, m.modseq, m.keywords
  FROM folder f JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
 WHERE f.mailbox_id = :mailbox AND f.name = :folder
 ORDER BY m.uid;

-- name: snapshot
-- One row, with a column of each kind for all messages: one statement is one instant.
SELECT f.uid_validity, f.uid_next, f.highest_modseq, f.messages, f.unseen, f.octets,
       max_messages_of(f, b.cos), f.id, b.status, f.keywords, s.uids, s.flags, s.modseqs, s.keywords
  FROM folder f
  JOIN mailbox b ON b.id = f.mailbox_id
  CROSS JOIN LATERAL (
      SELECT array_agg(uid) AS uids, array_agg(flags) AS flags, array_agg(modseq) AS modseqs,
             array_agg(keywords) AS keywords
        FROM (SELECT uid, flags, modseq, keywords FROM message
               WHERE mailbox_id = :mailbox AND folder_id = f.id ORDER BY uid) AS m) AS s
 WHERE f.mailbox_id = :mailbox AND f.name = :folder;

-- name: changes
-- As snapshot; the messages are not looked at when nothing moved.  Where the journal begins later, the messages
-- themselves tell what is new, and every UID that is not there is gone.
SELECT f.uid_validity, f.uid_next, f.highest_modseq, f.messages, f.unseen, f.octets,
       max_messages_of(f, b.cos), f.id, b.status, f.keywords, s.uids, s.flags, s.modseqs, s.keywords, gone.uids
  FROM folder f
  JOIN mailbox b ON b.id = f.mailbox_id
  LEFT JOIN LATERAL (
      SELECT array_agg(uid) AS uids, array_agg(flags) AS flags, array_agg(modseq) AS modseqs,
             array_agg(keywords) AS keywords
        FROM (SELECT uid, flags, modseq, keywords FROM message
               WHERE mailbox_id = :mailbox AND folder_id = f.id
                 AND uid IN (SELECT j.uid FROM journal j
                              WHERE j.mailbox_id = :mailbox AND j.folder_id = f.id AND j.modseq > :since
                             UNION ALL
                             SELECT n.uid FROM message n
                              WHERE f.journal_from > :since
                                AND n.mailbox_id = :mailbox AND n.folder_id = f.id AND n.modseq > :since)
               ORDER BY uid) AS m) AS s ON f.highest_modseq > :since
  LEFT JOIN LATERAL (
      SELECT array_agg(g.uid ORDER BY g.uid) AS uids FROM (
          SELECT j.uid FROM journal j
           WHERE f.journal_from <= :since
             AND j.mailbox_id = :mailbox AND j.folder_id = f.id AND j.modseq > :since AND j.change = 'expunged'
          UNION ALL
          SELECT given FROM generate_series(1, f.uid_next - 1) AS given
           WHERE f.journal_from > :since
             AND NOT EXISTS (SELECT 1 FROM message n
                              WHERE n.mailbox_id = :mailbox AND n.folder_id = f.id AND n.uid = given)
          ) AS g) AS gone ON f.highest_modseq > :since
 WHERE f.mailbox_id = :mailbox AND f.name = :folder;

-- name: message_records
-- OFFSET 0, here and below: contents are looked up one by one, and not the whole mailbox's (docs/adr/0019).
SELECT m.uid, m.flags, m.modseq, m.kind, m.caller, m.received_at, m.utc_offset, m.seconds, m.size, c.layout,
       m.keywords, coalesce(m.identity, f.uid_validity || '-' || f.id || '-' || m.uid)
  FROM folder f
  JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
  CROSS JOIN LATERAL (SELECT layout FROM content c
                       WHERE c.mailbox_id = :mailbox AND c.id = m.content_id OFFSET 0) AS c
 WHERE f.mailbox_id = :mailbox AND f.name = :folder AND m.uid = ANY (:uids)
 ORDER BY m.uid;

-- name: original_records
SELECT m.uid, m.flags, m.modseq, m.kind, m.caller, m.received_at, m.utc_offset, m.seconds,
       coalesce(m.original_size, m.size), c.layout, m.keywords,
       coalesce(m.identity, f.uid_validity || '-' || f.id || '-' || m.uid)
  FROM folder f
  JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
  CROSS JOIN LATERAL (SELECT layout FROM content c
                       WHERE c.mailbox_id = :mailbox AND c.id = coalesce(m.original_id, m.content_id) OFFSET 0) AS c
 WHERE f.mailbox_id = :mailbox AND f.name = :folder AND m.uid = ANY (:uids)
 ORDER BY m.uid;

-- name: message_octets
SELECT c.octets, c.blob, c.blob_size
  FROM folder f
  JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
  CROSS JOIN LATERAL (SELECT octets, blob, blob_size FROM content c
                       WHERE c.mailbox_id = :mailbox AND c.id = m.content_id OFFSET 0) AS c
 WHERE f.mailbox_id = :mailbox AND f.name = :folder AND m.uid = :uid;

-- name: original_octets
SELECT c.octets, c.blob, c.blob_size
  FROM folder f
  JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
  CROSS JOIN LATERAL (SELECT octets, blob, blob_size FROM content c
                       WHERE c.mailbox_id = :mailbox AND c.id = coalesce(m.original_id, m.content_id) OFFSET 0) AS c
 WHERE f.mailbox_id = :mailbox AND f.name = :folder AND m.uid = :uid;

-- name: change_flags
SELECT uid, flags, modseq, keywords
  FROM change_flags(:mailbox, :folder, :uids, :change::text::jsonb, :owed::text::jsonb);

-- name: expunge
SELECT expunge(:mailbox, :folder, :uids, :owed::text::jsonb);

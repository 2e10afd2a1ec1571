-- name: deposit_by_key
SELECT uid FROM deposit_key WHERE mailbox_id = :mailbox AND key = :key;

-- name: allocate_message
-- One statement decides: no row back means full, or no such folder, and nothing was allocated.
-- Greetings (2) is counted alone, everything else together, and a class of service may say how much.
UPDATE folder
   SET uid_next = uid_next + 1,
       highest_modseq = highest_modseq + 1,
       messages = messages + 1,
       unseen = unseen + :unseen,
       octets = octets + :size
 WHERE mailbox_id = :mailbox AND name = :folder
   AND CASE id WHEN 2 THEN max_messages
       ELSE coalesce((SELECT q.max_messages FROM quota q WHERE q.mailbox_id = :mailbox), max_messages) END > CASE id WHEN 2 THEN messages ELSE
       (SELECT sum(f.messages) FROM folder f WHERE f.mailbox_id = :mailbox AND f.id <> 2) END
   AND (id = 2 OR NOT EXISTS (SELECT 1 FROM quota q WHERE q.mailbox_id = :mailbox AND (
       (q.max_octets IS NOT NULL AND q.max_octets < :size + (SELECT sum(f.octets) FROM folder f
         WHERE f.mailbox_id = :mailbox AND f.id <> 2))
       OR (q.max_seconds IS NOT NULL AND q.max_seconds < :seconds + (SELECT coalesce(sum(m.seconds), 0)
         FROM message m WHERE m.mailbox_id = :mailbox AND m.folder_id <> 2)))))
RETURNING id, uid_next - 1, highest_modseq, keywords;

-- name: used_messages
SELECT sum(messages) FROM folder WHERE mailbox_id = ? AND id <> 2;

-- name: used_room
SELECT (SELECT sum(f.octets) FROM folder f WHERE f.mailbox_id = :mailbox AND f.id <> 2),
       (SELECT coalesce(sum(m.seconds), 0) FROM message m WHERE m.mailbox_id = :mailbox AND m.folder_id <> 2),
       q.max_octets, q.max_seconds
  FROM quota q WHERE q.mailbox_id = :mailbox;

-- name: usage
-- What the class of the owner says, and what there is.
SELECT c.limits, s.max_messages,
       (SELECT sum(f.messages) FROM folder f WHERE f.mailbox_id = :mailbox AND f.id <> 2),
       (SELECT coalesce(sum(m.seconds), 0) FROM message m WHERE m.mailbox_id = :mailbox AND m.folder_id <> 2),
       (SELECT sum(f.octets) FROM folder f WHERE f.mailbox_id = :mailbox AND f.id <> 2)
  FROM subscriber s JOIN cos c ON c.name = s.cos WHERE s.mailbox_id = :mailbox;

-- name: set_folder_keywords
UPDATE folder SET keywords = ? WHERE mailbox_id = ? AND id = ?;

-- name: insert_message
INSERT INTO message (mailbox_id, folder_id, uid, modseq, flags, kind, caller, received_at, utc_offset,
                     seconds, size, content_id, keywords, original_id, original_size)
VALUES (:mailbox, :folder_id, :uid, :modseq, :flags, :kind, :caller, :received_at, :utc_offset,
        :seconds, :size, :content_id, :keywords, :original_id, :original_size);

-- name: insert_deposit_key
INSERT INTO deposit_key (mailbox_id, key, uid, at) VALUES (:mailbox, :key, :uid, unixepoch() * 1000000);

-- name: insert_journal
INSERT INTO journal (mailbox_id, folder_id, modseq, uid, change, at) VALUES (?, ?, ?, ?, ?, unixepoch() * 1000000);

-- name: folder_state
SELECT uid_validity, uid_next, highest_modseq, messages, unseen, octets,
       CASE id WHEN 2 THEN max_messages
       ELSE coalesce((SELECT q.max_messages FROM quota q WHERE q.mailbox_id = folder.mailbox_id), max_messages) END, id,
       (SELECT status FROM subscriber s WHERE s.mailbox_id = folder.mailbox_id), keywords, journal_from
  FROM folder WHERE mailbox_id = ? AND name = ?;

-- name: message_states
SELECT m.uid, m.flags, m.modseq, m.keywords
  FROM folder f JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
 WHERE f.mailbox_id = ? AND f.name = ?
 ORDER BY m.uid;

-- name: states_of
SELECT uid, flags, modseq, keywords FROM message
 WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND uid IN (SELECT value FROM json_each(:uids))
 ORDER BY uid;

-- name: changed_since
SELECT uid, flags, modseq, keywords FROM message
 WHERE mailbox_id = :mailbox AND folder_id = :folder_id
   AND uid IN (SELECT uid FROM journal
                WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND modseq > :since)
 ORDER BY uid;

-- name: expunged_since
SELECT uid FROM journal
 WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND modseq > :since AND change = 'expunged'
 ORDER BY uid;

-- name: changed_before_journal
-- As changed_since, where the journal does not reach back so far.
SELECT uid, flags, modseq, keywords FROM message
 WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND modseq > :since
 ORDER BY uid;

-- name: uids
SELECT uid FROM message WHERE mailbox_id = :mailbox AND folder_id = :folder_id;

-- name: message_records
SELECT m.uid, m.flags, m.modseq, m.kind, m.caller, m.received_at, m.utc_offset, m.seconds, m.size, c.layout,
       m.keywords, coalesce(m.identity, f.uid_validity || '-' || f.id || '-' || m.uid)
  FROM folder f
  JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
  JOIN content c ON c.id = m.content_id
 WHERE f.mailbox_id = :mailbox AND f.name = :folder AND m.uid IN (SELECT value FROM json_each(:uids))
 ORDER BY m.uid;

-- name: message_record
SELECT m.uid, m.flags, m.modseq, m.kind, m.caller, m.received_at, m.utc_offset, m.seconds, m.size, c.layout,
       m.keywords, coalesce(m.identity, f.uid_validity || '-' || f.id || '-' || m.uid)
  FROM folder f
  JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
  JOIN content c ON c.id = m.content_id
 WHERE f.mailbox_id = ? AND f.name = ? AND m.uid = ?;

-- name: message_octets
SELECT c.octets, c.blob, c.blob_size
  FROM folder f
  JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
  JOIN content c ON c.id = m.content_id
 WHERE f.mailbox_id = ? AND f.name = ? AND m.uid = ?;

-- name: original_records
SELECT m.uid, m.flags, m.modseq, m.kind, m.caller, m.received_at, m.utc_offset, m.seconds,
       coalesce(m.original_size, m.size), c.layout, m.keywords,
       coalesce(m.identity, f.uid_validity || '-' || f.id || '-' || m.uid)
  FROM folder f
  JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
  JOIN content c ON c.id = coalesce(m.original_id, m.content_id)
 WHERE f.mailbox_id = :mailbox AND f.name = :folder AND m.uid IN (SELECT value FROM json_each(:uids))
 ORDER BY m.uid;

-- name: original_octets
SELECT c.octets, c.blob, c.blob_size
  FROM folder f
  JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
  JOIN content c ON c.id = coalesce(m.original_id, m.content_id)
 WHERE f.mailbox_id = ? AND f.name = ? AND m.uid = ?;

-- name: advance_modseq
UPDATE folder SET highest_modseq = highest_modseq + 1, unseen = unseen + :unseen
 WHERE mailbox_id = :mailbox AND id = :folder_id
RETURNING highest_modseq;

-- name: set_flags
UPDATE message SET flags = ?, keywords = ?, modseq = ? WHERE mailbox_id = ? AND folder_id = ? AND uid = ?;

-- name: kinds_of
SELECT kind, max(uid) FROM message
 WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND uid IN (SELECT value FROM json_each(:uids))
 GROUP BY kind;

-- name: silence_greetings
-- Of one kind, all but the one that is on from now on.
UPDATE message SET flags = flags - :greeting_on, modseq = :modseq
 WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND kind = :kind AND uid <> :uid
   AND flags & :greeting_on
RETURNING uid;

-- name: deleted_messages
SELECT uid, flags, size, content_id, original_id FROM message
 WHERE mailbox_id = :mailbox AND folder_id = :folder_id AND flags & :deleted
   AND (:uids IS NULL OR uid IN (SELECT value FROM json_each(:uids)))
 ORDER BY uid;

-- name: shrink_folder
UPDATE folder
   SET highest_modseq = highest_modseq + 1,
       messages = messages - :messages,
       unseen = unseen - :unseen,
       octets = octets - :octets
 WHERE mailbox_id = :mailbox AND id = :folder_id
RETURNING highest_modseq;

-- name: delete_message
DELETE FROM message WHERE mailbox_id = ? AND folder_id = ? AND uid = ?;

-- One statement a damage: each answers the places where it is, in words.  What a repair_ one does is safe: it
-- derives what can be derived, or removes what nothing can reach.

-- name: dangling_reference
-- But for those that have a name of their own below.
SELECT 'table ' || "table" || ', row ' || coalesce(rowid, '?') || ': no such ' || parent AS place
  FROM pragma_foreign_key_check WHERE "table" NOT IN ('outbox', 'message', 'subscriber');

-- name: message_without_content
SELECT printf('mailbox %d, folder %d, UID %d', m.mailbox_id, m.folder_id, m.uid) AS place
  FROM message m WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.id = m.content_id)
UNION ALL
SELECT printf('mailbox %d, deleted message %d', d.mailbox_id, d.id)
  FROM deleted_message d WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.id = d.content_id);

-- name: message_of_other_size
SELECT printf('mailbox %d, folder %d, UID %d: %d octets, and the message says %d', m.mailbox_id, m.folder_id, m.uid,
              coalesce(c.blob_size, length(c.octets)), m.size) AS place
  FROM message m JOIN content c ON c.id = m.content_id
 WHERE coalesce(c.blob_size, length(c.octets)) <> m.size;

-- name: original_without_content
SELECT printf('mailbox %d, folder %d, UID %d', m.mailbox_id, m.folder_id, m.uid) AS place
  FROM message m
 WHERE m.original_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM content c WHERE c.id = m.original_id);

-- name: repair_original_without_content
UPDATE message SET original_id = NULL, original_size = NULL
 WHERE original_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM content c WHERE c.id = message.original_id);

-- name: content_without_message
SELECT printf('content %d', c.id) AS place
  FROM content c
 WHERE c.id NOT IN (SELECT content_id FROM message
                    UNION ALL SELECT original_id FROM message WHERE original_id IS NOT NULL
                    UNION ALL SELECT content_id FROM deleted_message
                    UNION ALL SELECT original_id FROM deleted_message WHERE original_id IS NOT NULL);

-- name: repair_content_without_message
DELETE FROM content
 WHERE id NOT IN (SELECT content_id FROM message
                  UNION ALL SELECT original_id FROM message WHERE original_id IS NOT NULL
                  UNION ALL SELECT content_id FROM deleted_message
                  UNION ALL SELECT original_id FROM deleted_message WHERE original_id IS NOT NULL);

-- name: share_count
SELECT printf('mailbox %d, content %d: %d messages, and %d are noted', h.mailbox_id, h.content_id, h.messages,
              coalesce(s.messages, 1)) AS place
  FROM (SELECT mailbox_id, content_id, count(*) AS messages
          FROM (SELECT mailbox_id, content_id FROM message UNION ALL SELECT mailbox_id, content_id FROM deleted_message) AS held
         GROUP BY mailbox_id, content_id) h
  LEFT JOIN shared_content s ON s.mailbox_id = h.mailbox_id AND s.content_id = h.content_id
 WHERE h.messages <> coalesce(s.messages, 1)
UNION ALL
SELECT printf('mailbox %d, content %d: no message, and %d are noted', s.mailbox_id, s.content_id, s.messages)
  FROM shared_content s
 WHERE (s.mailbox_id, s.content_id) NOT IN
       (SELECT mailbox_id, content_id FROM message UNION ALL SELECT mailbox_id, content_id FROM deleted_message);

-- name: repair_share_count
DELETE FROM shared_content
 WHERE (mailbox_id, content_id) NOT IN
       (SELECT mailbox_id, content_id
          FROM (SELECT mailbox_id, content_id FROM message UNION ALL SELECT mailbox_id, content_id FROM deleted_message) AS held
         GROUP BY mailbox_id, content_id HAVING count(*) > 1);
INSERT INTO shared_content (mailbox_id, content_id, messages)
SELECT mailbox_id, content_id, count(*)
          FROM (SELECT mailbox_id, content_id FROM message UNION ALL SELECT mailbox_id, content_id FROM deleted_message) AS held
         GROUP BY mailbox_id, content_id HAVING count(*) > 1
    ON CONFLICT (mailbox_id, content_id) DO UPDATE SET messages = excluded.messages;

-- name: folder_counters
SELECT printf('mailbox %d, folder "%s": %d messages, %d unseen, %d octets, and %d, %d, %d are noted', f.mailbox_id,
              f.name, count(m.uid), coalesce(sum(m.flags & 1 = 0), 0), coalesce(sum(m.size), 0), f.messages, f.unseen,
              f.octets) AS place
  FROM folder f LEFT JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
 GROUP BY f.mailbox_id, f.id
HAVING f.messages <> count(m.uid) OR f.unseen <> coalesce(sum(m.flags & 1 = 0), 0)
    OR f.octets <> coalesce(sum(m.size), 0);

-- name: repair_folder_counters
UPDATE folder
   SET messages = c.messages, unseen = c.unseen, octets = c.octets
  FROM (SELECT f.mailbox_id, f.id, count(m.uid) AS messages, coalesce(sum(m.flags & 1 = 0), 0) AS unseen,
               coalesce(sum(m.size), 0) AS octets
          FROM folder f LEFT JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
         GROUP BY f.mailbox_id, f.id) c
 WHERE folder.mailbox_id = c.mailbox_id AND folder.id = c.id
   AND (folder.messages, folder.unseen, folder.octets) <> (c.messages, c.unseen, c.octets);

-- name: uid_not_below_next
SELECT printf('mailbox %d, folder "%s": UID %d, and UIDNEXT is %d', f.mailbox_id, f.name, u.uid, f.uid_next) AS place
  FROM folder f
  JOIN (SELECT mailbox_id, folder_id, max(uid) AS uid
          FROM (SELECT mailbox_id, folder_id, uid FROM message
                UNION ALL SELECT mailbox_id, folder_id, uid FROM journal)
         GROUP BY mailbox_id, folder_id) u ON u.mailbox_id = f.mailbox_id AND u.folder_id = f.id
 WHERE u.uid >= f.uid_next;

-- name: repair_uid_not_below_next
UPDATE folder SET uid_next = u.uid + 1
  FROM (SELECT mailbox_id, folder_id, max(uid) AS uid
          FROM (SELECT mailbox_id, folder_id, uid FROM message
                UNION ALL SELECT mailbox_id, folder_id, uid FROM journal)
         GROUP BY mailbox_id, folder_id) u
 WHERE u.mailbox_id = folder.mailbox_id AND u.folder_id = folder.id AND u.uid >= folder.uid_next;

-- name: modseq_above_highest
SELECT printf('mailbox %d, folder "%s": MODSEQ %d, and HIGHESTMODSEQ is %d', f.mailbox_id, f.name, u.modseq,
              f.highest_modseq) AS place
  FROM folder f
  JOIN (SELECT mailbox_id, folder_id, max(modseq) AS modseq
          FROM (SELECT mailbox_id, folder_id, modseq FROM message
                UNION ALL SELECT mailbox_id, folder_id, modseq FROM journal)
         GROUP BY mailbox_id, folder_id) u ON u.mailbox_id = f.mailbox_id AND u.folder_id = f.id
 WHERE u.modseq > f.highest_modseq;

-- name: repair_modseq_above_highest
UPDATE folder SET highest_modseq = u.modseq
  FROM (SELECT mailbox_id, folder_id, max(modseq) AS modseq
          FROM (SELECT mailbox_id, folder_id, modseq FROM message
                UNION ALL SELECT mailbox_id, folder_id, modseq FROM journal)
         GROUP BY mailbox_id, folder_id) u
 WHERE u.mailbox_id = folder.mailbox_id AND u.folder_id = folder.id AND u.modseq > folder.highest_modseq;

-- name: journal_gap
SELECT printf('mailbox %d, folder "%s", UID %d', f.mailbox_id, f.name, g.uid) AS place
  FROM folder f
  JOIN (SELECT m.mailbox_id, m.folder_id, m.uid, m.modseq FROM message m
         WHERE NOT EXISTS (SELECT 1 FROM journal j
                            WHERE j.mailbox_id = m.mailbox_id AND j.folder_id = m.folder_id
                              AND j.modseq = m.modseq AND j.uid = m.uid)
        UNION ALL
        SELECT d.mailbox_id, d.folder_id, d.uid, d.modseq FROM journal d
         WHERE d.change = 'deposited'
           AND NOT EXISTS (SELECT 1 FROM message m
                            WHERE m.mailbox_id = d.mailbox_id AND m.folder_id = d.folder_id AND m.uid = d.uid)
           AND NOT EXISTS (SELECT 1 FROM journal j
                            WHERE j.mailbox_id = d.mailbox_id AND j.folder_id = d.folder_id
                              AND j.modseq > d.modseq AND j.uid = d.uid AND j.change = 'expunged')
       ) g ON g.mailbox_id = f.mailbox_id AND g.folder_id = f.id AND g.modseq > f.journal_from;

-- name: repair_journal_gap
-- As if all of it were forgotten: whoever comes back is told of every message, and of every UID that is gone.
UPDATE folder SET journal_from = highest_modseq
 WHERE EXISTS (SELECT 1 FROM message m
                WHERE m.mailbox_id = folder.mailbox_id AND m.folder_id = folder.id AND m.modseq > folder.journal_from
                  AND NOT EXISTS (SELECT 1 FROM journal j
                                   WHERE j.mailbox_id = m.mailbox_id AND j.folder_id = m.folder_id
                                     AND j.modseq = m.modseq AND j.uid = m.uid))
    OR EXISTS (SELECT 1 FROM journal d
                WHERE d.mailbox_id = folder.mailbox_id AND d.folder_id = folder.id AND d.modseq > folder.journal_from
                  AND d.change = 'deposited'
                  AND NOT EXISTS (SELECT 1 FROM message m
                                   WHERE m.mailbox_id = d.mailbox_id AND m.folder_id = d.folder_id AND m.uid = d.uid)
                  AND NOT EXISTS (SELECT 1 FROM journal j
                                   WHERE j.mailbox_id = d.mailbox_id AND j.folder_id = d.folder_id
                                     AND j.modseq > d.modseq AND j.uid = d.uid AND j.change = 'expunged'));

-- name: message_without_folder
SELECT printf('mailbox %d, folder %d, UID %d', m.mailbox_id, m.folder_id, m.uid) AS place
  FROM message m
 WHERE NOT EXISTS (SELECT 1 FROM folder f WHERE f.mailbox_id = m.mailbox_id AND f.id = m.folder_id);

-- name: mailbox_without_folder
SELECT printf('mailbox %d: no %s', b.id, CASE n.id WHEN 1 THEN 'INBOX' ELSE 'Greetings' END) AS place
  FROM mailbox b CROSS JOIN (SELECT 1 AS id UNION ALL SELECT 2) n
 WHERE NOT EXISTS (SELECT 1 FROM folder f WHERE f.mailbox_id = b.id AND f.id = n.id);

-- name: subscriber_without_mailbox
SELECT printf('subscriber %d, mailbox %d', s.id, s.mailbox_id) AS place
  FROM subscriber s WHERE NOT EXISTS (SELECT 1 FROM mailbox b WHERE b.id = s.mailbox_id);

-- name: mailbox_without_subscriber
SELECT printf('mailbox %d', b.id) AS place
  FROM mailbox b WHERE NOT EXISTS (SELECT 1 FROM subscriber s WHERE s.mailbox_id = b.id);

-- name: owed_to_nobody
SELECT printf('notification %d', o.id) AS place
  FROM outbox o
 WHERE o.state = 'owed' AND o.subscriber_id IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM subscriber s WHERE s.id = o.subscriber_id);

-- name: repair_owed_to_nobody
DELETE FROM outbox
 WHERE state = 'owed' AND subscriber_id IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM subscriber s WHERE s.id = outbox.subscriber_id);

-- name: used_blob_to_be_deleted
SELECT 'blob ' || b.key AS place
  FROM loose_blob b WHERE NOT b.deleted AND b.key IN (SELECT blob FROM content WHERE blob > '');

-- name: repair_used_blob_to_be_deleted
DELETE FROM loose_blob WHERE NOT deleted AND key IN (SELECT blob FROM content WHERE blob > '');

-- name: blobs
SELECT blob FROM content WHERE blob > :after ORDER BY blob LIMIT :limit;

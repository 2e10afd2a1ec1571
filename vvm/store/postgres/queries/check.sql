-- One statement a damage: each answers the places where it is, in words.  What a repair_ one does is safe: it
-- derives what can be derived, or removes what nothing can reach.

-- name: message_without_content
SELECT format('mailbox %s, folder %s, UID %s', m.mailbox_id, m.folder_id, m.uid) AS place
  FROM message m WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.mailbox_id = m.mailbox_id AND c.id = m.content_id)
UNION ALL
SELECT format('mailbox %s, deleted message %s', d.mailbox_id, d.id)
  FROM deleted_message d
 WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.mailbox_id = d.mailbox_id AND c.id = d.content_id);

-- name: message_of_other_size
SELECT format('mailbox %s, folder %s, UID %s: %s octets, and the message says %s', m.mailbox_id, m.folder_id, m.uid,
              coalesce(c.blob_size, octet_length(c.octets)), m.size) AS place
  FROM message m JOIN content c ON c.mailbox_id = m.mailbox_id AND c.id = m.content_id
 WHERE coalesce(c.blob_size, octet_length(c.octets)) <> m.size;

-- name: original_without_content
SELECT format('mailbox %s, folder %s, UID %s', m.mailbox_id, m.folder_id, m.uid) AS place
  FROM message m
 WHERE m.original_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM content c WHERE c.mailbox_id = m.mailbox_id AND c.id = m.original_id);

-- name: repair_original_without_content
UPDATE message SET original_id = NULL, original_size = NULL
 WHERE original_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM content c WHERE c.mailbox_id = message.mailbox_id AND c.id = message.original_id);

-- name: content_without_message
SELECT format('mailbox %s, content %s', c.mailbox_id, c.id) AS place
  FROM content c
 WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.mailbox_id = c.mailbox_id AND m.content_id = c.id)
   AND NOT EXISTS (SELECT 1 FROM message m WHERE m.mailbox_id = c.mailbox_id AND m.original_id = c.id)
   AND NOT EXISTS (SELECT 1 FROM deleted_message d
                    WHERE d.mailbox_id = c.mailbox_id AND c.id IN (d.content_id, d.original_id));

-- name: repair_content_without_message
DELETE FROM content c
 WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.mailbox_id = c.mailbox_id AND m.content_id = c.id)
   AND NOT EXISTS (SELECT 1 FROM message m WHERE m.mailbox_id = c.mailbox_id AND m.original_id = c.id)
   AND NOT EXISTS (SELECT 1 FROM deleted_message d
                    WHERE d.mailbox_id = c.mailbox_id AND c.id IN (d.content_id, d.original_id));

-- name: share_count
SELECT format('mailbox %s, content %s: %s messages, and %s are noted', h.mailbox_id, h.content_id, h.messages,
              coalesce(s.messages, 1)) AS place
  FROM (SELECT mailbox_id, content_id, count(*) AS messages
          FROM (SELECT mailbox_id, content_id FROM message UNION ALL SELECT mailbox_id, content_id FROM deleted_message) AS held
         GROUP BY mailbox_id, content_id) h
  LEFT JOIN shared_content s ON s.mailbox_id = h.mailbox_id AND s.content_id = h.content_id
 WHERE h.messages <> coalesce(s.messages, 1)
UNION ALL
SELECT format('mailbox %s, content %s: no message, and %s are noted', s.mailbox_id, s.content_id, s.messages)
  FROM shared_content s
 WHERE NOT EXISTS (SELECT 1 FROM (SELECT mailbox_id, content_id FROM message UNION ALL SELECT mailbox_id, content_id FROM deleted_message) AS held
                    WHERE held.mailbox_id = s.mailbox_id AND held.content_id = s.content_id);

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
SELECT format('mailbox %s, folder "%s": %s messages, %s unseen, %s octets, and %s, %s, %s are noted', f.mailbox_id,
              f.name, count(m.uid), coalesce(sum((m.flags & 1 = 0)::int), 0), coalesce(sum(m.size), 0), f.messages, f.unseen,
              f.octets) AS place
  FROM folder f LEFT JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
 GROUP BY f.mailbox_id, f.id
HAVING f.messages <> count(m.uid) OR f.unseen <> coalesce(sum((m.flags & 1 = 0)::int), 0)
    OR f.octets <> coalesce(sum(m.size), 0);

-- name: repair_folder_counters
UPDATE folder
   SET messages = c.messages, unseen = c.unseen, octets = c.octets
  FROM (SELECT f.mailbox_id, f.id, count(m.uid) AS messages, coalesce(sum((m.flags & 1 = 0)::int), 0) AS unseen,
               coalesce(sum(m.size), 0) AS octets
          FROM folder f LEFT JOIN message m ON m.mailbox_id = f.mailbox_id AND m.folder_id = f.id
         GROUP BY f.mailbox_id, f.id) c
 WHERE folder.mailbox_id = c.mailbox_id AND folder.id = c.id
   AND (folder.messages, folder.unseen, folder.octets) <> (c.messages, c.unseen, c.octets);

-- name: uid_not_below_next
SELECT format('mailbox %s, folder "%s": UID %s, and UIDNEXT is %s', f.mailbox_id, f.name, u.uid, f.uid_next) AS place
  FROM folder f
  JOIN (SELECT mailbox_id, folder_id, max(uid) AS uid
          FROM (SELECT mailbox_id, folder_id, uid FROM message
                UNION ALL SELECT mailbox_id, folder_id, uid FROM journal) AS each
         GROUP BY mailbox_id, folder_id) u ON u.mailbox_id = f.mailbox_id AND u.folder_id = f.id
 WHERE u.uid >= f.uid_next;

-- name: repair_uid_not_below_next
UPDATE folder SET uid_next = u.uid + 1
  FROM (SELECT mailbox_id, folder_id, max(uid) AS uid
          FROM (SELECT mailbox_id, folder_id, uid FROM message
                UNION ALL SELECT mailbox_id, folder_id, uid FROM journal) AS each
         GROUP BY mailbox_id, folder_id) u
 WHERE u.mailbox_id = folder.mailbox_id AND u.folder_id = folder.id AND u.uid >= folder.uid_next;

-- name: modseq_above_highest
SELECT format('mailbox %s, folder "%s": MODSEQ %s, and HIGHESTMODSEQ is %s', f.mailbox_id, f.name, u.modseq,
              f.highest_modseq) AS place
  FROM folder f
  JOIN (SELECT mailbox_id, folder_id, max(modseq) AS modseq
          FROM (SELECT mailbox_id, folder_id, modseq FROM message
                UNION ALL SELECT mailbox_id, folder_id, modseq FROM journal) AS each
         GROUP BY mailbox_id, folder_id) u ON u.mailbox_id = f.mailbox_id AND u.folder_id = f.id
 WHERE u.modseq > f.highest_modseq;

-- name: repair_modseq_above_highest
UPDATE folder SET highest_modseq = u.modseq
  FROM (SELECT mailbox_id, folder_id, max(modseq) AS modseq
          FROM (SELECT mailbox_id, folder_id, modseq FROM message
                UNION ALL SELECT mailbox_id, folder_id, modseq FROM journal) AS each
         GROUP BY mailbox_id, folder_id) u
 WHERE u.mailbox_id = folder.mailbox_id AND u.folder_id = folder.id AND u.modseq > folder.highest_modseq;

-- name: journal_gap
SELECT format('mailbox %s, folder "%s", UID %s', f.mailbox_id, f.name, g.uid) AS place
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
SELECT format('mailbox %s, folder %s, UID %s', m.mailbox_id, m.folder_id, m.uid) AS place
  FROM message m
 WHERE NOT EXISTS (SELECT 1 FROM folder f WHERE f.mailbox_id = m.mailbox_id AND f.id = m.folder_id);

-- name: mailbox_without_folder
SELECT format('mailbox %s: no %s', b.id, CASE n.id WHEN 1 THEN 'INBOX' ELSE 'Greetings' END) AS place
  FROM mailbox b CROSS JOIN (SELECT 1 AS id UNION ALL SELECT 2) n
 WHERE NOT EXISTS (SELECT 1 FROM folder f WHERE f.mailbox_id = b.id AND f.id = n.id);

-- name: subscriber_without_mailbox
SELECT format('subscriber %s, mailbox %s', s.id, s.mailbox_id) AS place
  FROM subscriber s WHERE NOT EXISTS (SELECT 1 FROM mailbox b WHERE b.id = s.mailbox_id);

-- name: mailbox_without_subscriber
SELECT format('mailbox %s', b.id) AS place
  FROM mailbox b WHERE NOT EXISTS (SELECT 1 FROM subscriber s WHERE s.mailbox_id = b.id);

-- name: owed_to_nobody
SELECT format('notification %s', o.id) AS place
  FROM outbox o
 WHERE o.state = 'owed' AND o.subscriber_id IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM subscriber s WHERE s.id = o.subscriber_id);

-- name: repair_owed_to_nobody
DELETE FROM outbox
 WHERE state = 'owed' AND subscriber_id IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM subscriber s WHERE s.id = outbox.subscriber_id);

-- name: used_blob_to_be_deleted
SELECT 'blob ' || b.key AS place
  FROM loose_blob b WHERE NOT b.deleted AND EXISTS (SELECT 1 FROM content c WHERE c.blob = b.key);

-- name: repair_used_blob_to_be_deleted
DELETE FROM loose_blob b WHERE NOT b.deleted AND EXISTS (SELECT 1 FROM content c WHERE c.blob = b.key);

-- name: name_of_nobody
SELECT format('%s "%s" of %s', d.kind, d.name, d.id) AS place
  FROM directory d
 WHERE NOT EXISTS (SELECT 1 FROM subscriber s
                    WHERE s.id = d.id AND CASE d.kind WHEN 'msisdn' THEN s.msisdn WHEN 'imap_user' THEN s.imap_user END
                                          = d.name)
   AND NOT EXISTS (SELECT 1 FROM alias a WHERE d.kind = 'msisdn' AND a.subscriber_id = d.id AND a.msisdn = d.name)
   AND NOT EXISTS (SELECT 1 FROM device v WHERE d.kind = 'device' AND v.id = d.id AND v.login = d.name);

-- name: repair_name_of_nobody
DELETE FROM directory d
 WHERE NOT EXISTS (SELECT 1 FROM subscriber s
                    WHERE s.id = d.id AND CASE d.kind WHEN 'msisdn' THEN s.msisdn WHEN 'imap_user' THEN s.imap_user END
                                          = d.name)
   AND NOT EXISTS (SELECT 1 FROM alias a WHERE d.kind = 'msisdn' AND a.subscriber_id = d.id AND a.msisdn = d.name)
   AND NOT EXISTS (SELECT 1 FROM device v WHERE d.kind = 'device' AND v.id = d.id AND v.login = d.name);

-- name: name_not_found
SELECT format('%s "%s" of %s', n.kind, n.name, n.id) AS place
  FROM (SELECT msisdn AS name, 'msisdn' AS kind, id FROM subscriber
        UNION ALL SELECT imap_user, 'imap_user', id FROM subscriber
        UNION ALL SELECT msisdn, 'msisdn', subscriber_id FROM alias
        UNION ALL SELECT login, 'device', id FROM device) AS n
 WHERE NOT EXISTS (SELECT 1 FROM directory d WHERE d.name = n.name AND d.kind = n.kind AND d.id = n.id);

-- name: repair_name_not_found
-- Who else is called so stays: then this one is named again.
INSERT INTO directory (name, kind, id)
SELECT msisdn, 'msisdn', id FROM subscriber
UNION ALL SELECT imap_user, 'imap_user', id FROM subscriber
UNION ALL SELECT msisdn, 'msisdn', subscriber_id FROM alias
UNION ALL SELECT login, 'device', id FROM device
    ON CONFLICT DO NOTHING;

-- name: owner_of_mailbox
SELECT format('mailbox %s of subscriber %s', b.id, s.id) AS place
  FROM mailbox b JOIN subscriber s ON s.mailbox_id = b.id
 WHERE (b.status, b.msisdn, b.cos, b.held) IS DISTINCT FROM (s.status, s.msisdn, s.cos, s.held);

-- name: repair_owner_of_mailbox
UPDATE mailbox b SET status = s.status, msisdn = s.msisdn, cos = s.cos, held = s.held
  FROM subscriber s
 WHERE s.mailbox_id = b.id AND (b.status, b.msisdn, b.cos, b.held) IS DISTINCT FROM (s.status, s.msisdn, s.cos, s.held);

-- name: id_given_twice
SELECT format('sequence %s: the next is %s, and %s is in use', q.name, coalesce(p.last_value, 0) + 1, q.top) AS place
  FROM ids_in_use() AS q
  JOIN pg_sequences p ON p.sequencename = q.name AND p.schemaname = current_schema()
 WHERE q.top > coalesce(p.last_value, 0);

-- name: repair_id_given_twice
SELECT setval(q.name, q.top)
  FROM ids_in_use() AS q
  JOIN pg_sequences p ON p.sequencename = q.name AND p.schemaname = current_schema()
 WHERE q.top > coalesce(p.last_value, 0);

-- name: receipt_of_nothing
SELECT format('message id %s', r.message_id) AS place
  FROM receipt r WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.recipient = r.recipient AND o.id = r.outbox_id);

-- name: repair_receipt_of_nothing
DELETE FROM receipt r
 WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.recipient = r.recipient AND o.id = r.outbox_id);

-- name: blobs
SELECT blob FROM content WHERE blob > :after ORDER BY blob LIMIT :limit;

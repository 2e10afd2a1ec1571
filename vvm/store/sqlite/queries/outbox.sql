-- name: join_waiting
-- A row waits while it is owed, in no worker's hands, and no segment of it was accepted.
UPDATE outbox
   SET cause = :joined, uid = NULL, subscriber_id = :subscriber, return_code = :return_code,
       expires_at = max(expires_at, :expires_at), attempts = 0, carrier = :carrier, fetched_at = NULL
 WHERE id = (SELECT o.id FROM outbox o
              WHERE o.recipient = :recipient AND o.family = :family AND o.state = 'owed' AND o.leased = 0
                AND NOT EXISTS (SELECT 1 FROM segment s WHERE s.outbox_id = o.id)
              LIMIT 1)
RETURNING id;

-- name: not_before
-- When a shut gate opens by itself, and when the last of the family was taken; null when never.
SELECT (SELECT max(gated_until) FROM outbox
         WHERE recipient = :recipient AND gated_until > :due_at AND gated_until < :expires_at
           AND :family = 'sync'),
       (SELECT max(taken_at) FROM outbox WHERE recipient = :recipient AND family = :family);

-- name: insert_owed
INSERT INTO outbox (subscriber_id, recipient, family, cause, uid, return_code, owed_at, due_at, held, expires_at,
                    carrier)
VALUES (:subscriber, :recipient, :family, :cause, :uid, :return_code, :owed_at, :due_at, :held, :expires_at,
        :carrier);

-- name: carriers
-- Of a lane, those that are owed anything: one look at an index for each.
WITH RECURSIVE owed (carrier) AS (
    SELECT min(carrier) FROM outbox WHERE state = 'owed'
    UNION ALL
    SELECT (SELECT min(o.carrier) FROM outbox o WHERE o.state = 'owed' AND o.carrier > owed.carrier)
      FROM owed WHERE owed.carrier IS NOT NULL)
SELECT carrier FROM owed
 WHERE carrier IS NOT NULL AND (carrier IN (SELECT value FROM json_each(:carriers))) <> :others
 ORDER BY carrier <= :after, carrier;

-- name: due
-- But for what another row of its line is before: one in hands, or an older one that is due too.
SELECT id, recipient, subscriber_id, cause, uid, return_code, attempts, expires_at, owed_at, carrier,
       (SELECT group_concat(segment) FROM segment WHERE outbox_id = o.id)
  FROM outbox o WHERE state = 'owed' AND carrier = :carrier AND family = :family AND due_at <= :now
   AND NOT EXISTS (SELECT 1 FROM outbox b
                    WHERE b.recipient = o.recipient AND b.family = o.family AND b.state = 'owed' AND b.id <> o.id
                      AND ((b.leased = 1 AND b.due_at > :now) OR (b.id < o.id AND b.due_at <= :now)))
 ORDER BY due_at, id LIMIT :limit;

-- name: any_due
SELECT 1 FROM outbox WHERE state = 'owed' AND carrier = :carrier AND due_at <= :now
   AND family IN (SELECT value FROM json_each(:families)) LIMIT 1;

-- name: lease
UPDATE outbox SET due_at = :until, attempts = attempts + 1, leased = 1, taken_at = :now, held = 0,
       holder = :holder
 WHERE id = :row;

-- name: accept_segment
-- The row may be gone with its subscriber.  WHERE keeps ON CONFLICT from being read as a join.
INSERT INTO segment (outbox_id, segment, total, message_id, accepted_at)
SELECT id, :segment, :total, :message_id, :now FROM outbox WHERE id = :row
ON CONFLICT (outbox_id, segment) DO UPDATE
   SET message_id = excluded.message_id, total = excluded.total, accepted_at = excluded.accepted_at;

-- name: give_back
-- A row whose lease was lost is left alone: another worker has it, or something newer has joined it.
UPDATE outbox SET due_at = :due_at, attempts = attempts - :taken_back, smpp_status = :status, leased = 0
 WHERE id = :row AND state = 'owed' AND leased = 1 AND attempts = :attempt AND taken_at = :taken_at
RETURNING id;

-- name: join_beside
-- What a worker gave back joins the row that waits by now; no row back: there is none.
UPDATE outbox
   SET cause = CASE outbox.family WHEN 'sync' THEN 'mailbox_update' ELSE outbox.cause END,
       uid = NULL,
       return_code = CASE WHEN outbox.id > given.id THEN outbox.return_code ELSE given.return_code END,
       due_at = max(outbox.due_at, given.due_at),
       expires_at = max(outbox.expires_at, given.expires_at),
       fetched_at = NULL
  FROM outbox AS given
 WHERE given.id = :row
   AND outbox.id = (SELECT o.id FROM outbox o
                     WHERE o.recipient = given.recipient AND o.family = given.family AND o.state = 'owed'
                       AND o.leased = 0 AND o.id <> given.id
                       AND NOT EXISTS (SELECT 1 FROM segment s WHERE s.outbox_id IN (o.id, given.id))
                     LIMIT 1)
RETURNING outbox.id;

-- name: in_hands
SELECT id, attempts, taken_at FROM outbox
 WHERE leased = 1 AND holder = ? AND state = 'owed' AND id NOT IN (SELECT value FROM json_each(?))
 ORDER BY id;

-- name: hasten
-- A row behind a gate stays there: its receipt, or the end of the gate, lets it go.
UPDATE outbox SET due_at = :now
 WHERE recipient = :recipient AND state = 'owed' AND leased = 0 AND held = 0 AND due_at > :now
RETURNING id;

-- name: settle
UPDATE outbox
   SET state = :state, settled_at = :now, smpp_status = coalesce(:status, smpp_status), leased = 0,
       gated_until = :gated_until, smsc = :smsc, to_client = :to_client
 WHERE id = :row AND state = 'owed' AND leased = 1 AND attempts = :attempt AND taken_at = :taken_at
RETURNING recipient;

-- name: close_joined
UPDATE outbox SET state = :state, settled_at = :now WHERE id = :row AND state = 'owed';

-- name: unanswered
UPDATE subscriber SET unanswered_syncs = unanswered_syncs + 1
 WHERE id = (SELECT subscriber_id FROM outbox WHERE id = :row AND family = 'sync');

-- name: hold
-- What waits goes behind the gate that was shut, unless it would expire there.
UPDATE outbox SET due_at = :gated_until, held = 1
 WHERE recipient = :recipient AND family = 'sync' AND state = 'owed' AND leased = 0
   AND due_at < :gated_until AND expires_at > :gated_until
   AND NOT EXISTS (SELECT 1 FROM segment s WHERE s.outbox_id = outbox.id);

-- name: row_of_message_id
-- The newest, because some SMSCs use an id again.
SELECT s.outbox_id, s.segment FROM segment s JOIN outbox o ON o.id = s.outbox_id
 WHERE s.message_id = ? ORDER BY s.outbox_id DESC, s.segment LIMIT 1;

-- name: mark_delivered
UPDATE segment SET delivered = 1 WHERE outbox_id = ? AND segment = ?;

-- name: delivered_whole
SELECT count(*) = max(total) AND sum(delivered) = max(total) FROM segment WHERE outbox_id = ?;

-- name: close_sent
UPDATE outbox SET state = :state, settled_at = :now, leased = 0, gated_until = NULL
 WHERE id = :row AND state IN ('owed', 'sent')
RETURNING recipient;

-- name: way
SELECT o.cause, o.carrier, o.smsc, o.owed_at, max(s.accepted_at)
  FROM outbox o JOIN segment s ON s.outbox_id = o.id WHERE o.id = ?;

-- name: unfetched
SELECT id, to_client AND state IN ('sent', 'delivered') FROM outbox
 WHERE recipient = ? AND family = 'sync' AND fetched_at IS NULL AND owed_at <= ?
 ORDER BY id;

-- name: fetched
UPDATE outbox SET fetched_at = ? WHERE id = ? AND fetched_at IS NULL;

-- name: release
-- What was held is due when the last gate of its recipient is open.
UPDATE outbox SET due_at = :now, held = 0
 WHERE recipient = :recipient AND state = 'owed' AND held = 1
   AND NOT EXISTS (SELECT 1 FROM outbox g WHERE g.recipient = :recipient AND g.gated_until > :now);

-- name: dead_letters
SELECT o.id, o.recipient, o.cause, o.uid, o.state, o.smpp_status, o.attempts, o.owed_at, o.taken_at,
       (SELECT max(s.accepted_at) FROM segment s WHERE s.outbox_id = o.id), o.settled_at,
       o.carrier, o.smsc, o.fetched_at
  FROM outbox o
 WHERE o.state IN ('failed', 'expired') AND o.id > :after
   AND (:recipient IS NULL OR o.recipient = :recipient) AND (:cause IS NULL OR o.cause = :cause)
   AND (:since IS NULL OR o.settled_at >= :since)
 ORDER BY o.id LIMIT :limit;

-- name: any_dead
SELECT 1 FROM outbox WHERE state IN ('failed', 'expired') LIMIT 1;

-- name: missed
SELECT o.id, o.recipient, o.cause, o.uid, o.state, o.smpp_status, o.attempts, o.owed_at, o.taken_at,
       (SELECT max(s.accepted_at) FROM segment s WHERE s.outbox_id = o.id), o.settled_at,
       o.carrier, o.smsc, o.fetched_at
  FROM outbox o
 WHERE o.state IN ('failed', 'expired') AND o.family = 'sync' AND o.id > :after
   AND o.settled_at >= :since AND o.settled_at < :before
   AND EXISTS (SELECT 1 FROM segment s WHERE s.outbox_id = o.id)
   AND NOT EXISTS (SELECT 1 FROM outbox n WHERE n.recipient = o.recipient AND n.family = 'sync' AND n.id > o.id)
 ORDER BY o.id LIMIT :limit;

-- name: history
SELECT * FROM
    (SELECT o.id, o.recipient, o.cause, o.uid, o.state, o.smpp_status, o.attempts, o.owed_at, o.taken_at,
            (SELECT max(s.accepted_at) FROM segment s WHERE s.outbox_id = o.id), o.settled_at,
            o.carrier, o.smsc, o.fetched_at
       FROM outbox o WHERE o.recipient = :recipient ORDER BY o.id DESC LIMIT :limit)
 ORDER BY id;

-- name: revive
UPDATE outbox SET state = 'resent' WHERE id = :row AND state IN ('failed', 'expired')
   AND cause IN (SELECT value FROM json_each(:causes))
RETURNING recipient, subscriber_id, cause, uid, return_code, carrier;

-- name: note_resent
INSERT INTO audit (msisdn, at, trigger, before, after, reason, actor)
SELECT msisdn, :at, :trigger, status, status, :reason, :actor FROM subscriber WHERE id = :subscriber;

-- name: forget_settled
DELETE FROM outbox WHERE id IN
    (SELECT id FROM outbox
      WHERE settled_at < :before AND coalesce(gated_until, 0) < :before
      ORDER BY settled_at LIMIT :limit);

-- name: counts
SELECT count(*) FROM outbox WHERE state IN ('failed', 'expired');

-- name: counts_by_carrier
SELECT carrier, count(*), min(due_at) FROM outbox WHERE state = 'owed' GROUP BY carrier;

-- name: next_due
-- The same as in due, of the same families, which are compared and not looked up: the index is in the order of due_at.
SELECT due_at FROM outbox o WHERE state = 'owed' AND carrier = :carrier
   AND +family IN (SELECT value FROM json_each(:families))
   AND NOT EXISTS (SELECT 1 FROM outbox b
                    WHERE b.recipient = o.recipient AND b.family = o.family AND b.state = 'owed' AND b.id <> o.id
                      AND ((b.leased = 1 AND b.due_at > :now) OR (b.id < o.id AND b.due_at <= :now)))
 ORDER BY due_at LIMIT 1;

-- name: sender_is_known
SELECT 1 FROM sender WHERE smsc = :smsc AND name = :sender AND until > :now;

-- name: put_sender
INSERT INTO sender (smsc, name, until) VALUES (:smsc, :sender, :until)
    ON CONFLICT (smsc, name) DO UPDATE SET until = excluded.until;

-- name: forget_senders
DELETE FROM sender WHERE smsc = :smsc AND until <= :now;

-- name: count_senders
SELECT count(*) FROM sender WHERE smsc = :smsc;

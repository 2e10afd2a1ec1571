-- name: owe
SELECT owe(:owed::text::jsonb, :uid);

-- name: lease
SELECT id, recipient, subscriber_id, cause, uid, return_code, attempts, expires_at, owed_at, accepted, carrier
  FROM lease(:now, :until, :limit, :holder, :families, :carriers, :others, :after);

-- name: accept_segment
-- The row may be gone with its subscriber.
WITH noted AS (
    UPDATE outbox
       SET message_ids = message_ids || jsonb_build_object(:segment::bigint::text, :message_id::text),
           segments = :total, accepted_at = :now
     WHERE recipient = :recipient AND id = :row
    RETURNING id)
INSERT INTO receipt (message_id, outbox_id, segment, recipient)
SELECT :message_id, id, :segment, :recipient FROM noted
ON CONFLICT DO NOTHING;

-- name: give_back
SELECT give_back(:recipient, :row, :attempt, :taken_at, :due_at, :status, :taken_back);

-- name: take_back
SELECT give_back(recipient, id, attempts, taken_at, taken_at, NULL, 1)
  FROM (SELECT * FROM outbox
         WHERE leased AND holder = :holder AND state = 'owed' AND id <> ALL (:but::bigint[]) ORDER BY id) AS held;

-- name: hasten
-- A row behind a gate stays there: its receipt, or the end of the gate, lets it go.
UPDATE outbox SET due_at = :now
 WHERE recipient = :recipient AND state = 'owed' AND NOT leased AND NOT held AND due_at > :now
RETURNING id;

-- name: settle
-- Its last segment is noted with it.  A SYNC that is sent is unanswered; what waits goes behind the gate that was
-- shut, unless it would expire there.
WITH closed AS (
    UPDATE outbox
       SET state = :state, settled_at = :now, smpp_status = coalesce(:status, smpp_status), leased = false,
           gated_until = :gated_until::bigint, smsc = :smsc, to_client = :to_client,
           message_ids = CASE WHEN :segment::bigint IS NULL THEN message_ids
                              ELSE message_ids || jsonb_build_object(:segment::bigint::text, :message_id::text) END,
           segments = coalesce(:total, segments),
           accepted_at = CASE WHEN :segment::bigint IS NULL THEN accepted_at ELSE :now END
     WHERE recipient = :recipient AND id = :row
       AND state = 'owed' AND leased AND attempts = :attempt AND taken_at = :taken_at
    RETURNING id, family, subscriber_id),
last AS (
    INSERT INTO receipt (message_id, outbox_id, segment, recipient)
    SELECT :message_id, id, :segment, :recipient FROM closed WHERE :segment::bigint IS NOT NULL
    ON CONFLICT DO NOTHING),
unanswered AS (
    UPDATE subscriber SET unanswered_syncs = unanswered_syncs + 1
     WHERE :state = 'sent'
       AND id = (SELECT subscriber_id FROM closed WHERE family = 'sync'))
UPDATE outbox SET due_at = :gated_until, held = true
  FROM closed
 WHERE outbox.recipient = :recipient AND outbox.family = 'sync' AND outbox.state = 'owed' AND NOT outbox.leased
   AND outbox.due_at < :gated_until AND outbox.expires_at > :gated_until AND outbox.message_ids = '{}' AND outbox.id <> closed.id;

-- name: report
SELECT note_report(:message_id, :state, :now);

-- name: fetched
-- The planner looks into one partition for each recipient.
WITH answered AS MATERIALIZED (
    SELECT o.recipient, o.id, f.at
      FROM unnest(:recipients::text[], :ats::bigint[]) AS f (recipient, at)
      CROSS JOIN LATERAL (
          SELECT recipient, id FROM outbox
           WHERE recipient = f.recipient AND family = 'sync' AND fetched_at IS NULL AND owed_at <= f.at
           ORDER BY id FOR UPDATE) AS o),
noted AS (
    UPDATE outbox o SET fetched_at = answered.at
      FROM answered
     WHERE o.recipient = ANY (:recipients) AND o.recipient = answered.recipient AND o.id = answered.id
    RETURNING o.*)
SELECT cause, carrier, smsc, owed_at, accepted_at, fetched_at
  FROM noted WHERE to_client AND state IN ('sent', 'delivered') AND accepted_at <= fetched_at ORDER BY recipient, id;

-- name: dead_letters
SELECT id, recipient, cause, uid, state, smpp_status, attempts, owed_at, taken_at, accepted_at, settled_at, carrier,
       smsc, fetched_at
  FROM outbox
 WHERE state IN ('failed', 'expired') AND id > :after
   AND (:recipient::text IS NULL OR recipient = :recipient) AND (:cause::text IS NULL OR cause = :cause)
   AND (:since::bigint IS NULL OR settled_at >= :since)
 ORDER BY id LIMIT :limit;

-- name: any_dead
SELECT 1 FROM outbox WHERE state IN ('failed', 'expired') LIMIT 1;

-- name: missed
SELECT id, recipient, cause, uid, state, smpp_status, attempts, owed_at, taken_at, accepted_at, settled_at, carrier,
       smsc, fetched_at
  FROM outbox o
 WHERE state IN ('failed', 'expired') AND family = 'sync' AND id > :after
   AND settled_at >= :since AND settled_at < :before AND message_ids <> '{}'
   AND NOT EXISTS (SELECT 1 FROM outbox n WHERE n.recipient = o.recipient AND n.family = 'sync' AND n.id > o.id)
 ORDER BY id LIMIT :limit;

-- name: history
SELECT * FROM
    (SELECT id, recipient, cause, uid, state, smpp_status, attempts, owed_at, taken_at, accepted_at, settled_at, carrier,
       smsc, fetched_at
       FROM outbox WHERE recipient = :recipient ORDER BY id DESC LIMIT :limit) AS newest
 ORDER BY id;

-- name: revive
UPDATE outbox SET state = 'resent'
 WHERE id = :row AND state IN ('failed', 'expired') AND cause = ANY (:causes::text[])
RETURNING recipient, subscriber_id, cause, uid, return_code, carrier;

-- name: note_resent
INSERT INTO audit (msisdn, at, trigger, before, after, reason, actor)
SELECT msisdn, :at, :trigger, status, status, :reason, :actor FROM subscriber WHERE id = :subscriber;

-- name: forget_settled
WITH old AS MATERIALIZED (
    SELECT recipient, id FROM outbox
     WHERE settled_at < :before AND coalesce(gated_until, 0) < :before
     ORDER BY settled_at LIMIT :limit FOR UPDATE SKIP LOCKED),
gone AS (
    DELETE FROM outbox o USING old WHERE o.recipient = old.recipient AND o.id = old.id
    RETURNING o.id, o.message_ids),
receipts AS (
    DELETE FROM receipt r
     USING gone, jsonb_each_text(gone.message_ids) AS taken (segment, message_id)
     WHERE r.message_id = taken.message_id AND r.outbox_id = gone.id)
SELECT count(*) FROM gone;

-- name: counts
SELECT count(*) FROM outbox WHERE state IN ('failed', 'expired');

-- name: counts_by_carrier
SELECT carrier, count(*), min(due_at) FROM outbox WHERE state = 'owed' GROUP BY carrier;

-- name: next_due
-- Of each carrier of a lane, but for what lease would pass over or leave to a newer release.
WITH RECURSIVE owed (carrier) AS (
    SELECT min(carrier) FROM outbox WHERE state = 'owed'
    UNION ALL
    SELECT (SELECT min(o.carrier) FROM outbox o WHERE o.state = 'owed' AND o.carrier > owed.carrier)
      FROM owed WHERE owed.carrier IS NOT NULL)
SELECT min(o.due_at)
  FROM owed
  CROSS JOIN LATERAL (
      SELECT due_at FROM outbox w
       WHERE state = 'owed' AND carrier = owed.carrier
         AND (family = ANY (:families::text[])) IS TRUE  -- compared, not looked up: the index is in the order of due_at
         AND NOT EXISTS (SELECT 1 FROM outbox b
                          WHERE b.recipient = w.recipient AND b.family = w.family AND b.state = 'owed'
                            AND b.id <> w.id
                            AND ((b.leased AND b.due_at > :now) OR (b.id < w.id AND b.due_at <= :now))
                         OFFSET 0)  -- asked row by row: as a join it may read all that is owed
       ORDER BY due_at LIMIT 1) AS o
 WHERE owed.carrier IS NOT NULL AND (owed.carrier = ANY (:carriers::text[])) <> :others;

-- name: share
SELECT smsc, senders, new FROM share_rate(:sender, :smscs, :now, :until);

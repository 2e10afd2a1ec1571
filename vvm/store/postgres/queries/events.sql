-- name: events_after
SELECT xid, id, at, msisdn, kind, detail FROM event
 WHERE (xid, id) > (:after_xid::bigint, :after_id::bigint)
   AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
   AND (:kinds::text[] IS NULL OR kind = ANY (:kinds))
 ORDER BY xid, id LIMIT :limit;

-- name: events_of_subscriber
SELECT xid, id, at, msisdn, kind, detail FROM event
 WHERE msisdn = :msisdn AND (xid, id) > (:after_xid::bigint, :after_id::bigint)
   AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
   AND (:kinds::text[] IS NULL OR kind = ANY (:kinds))
 ORDER BY xid, id LIMIT :limit;

-- name: events_between
-- Between two places, beside which no event of these moments lies: no index of moments is kept.
WITH first AS MATERIALIZED (SELECT at_xid, at_id FROM feed_place(:since::bigint - :slack::bigint)),
last AS MATERIALIZED (SELECT at_xid, at_id FROM feed_place(:until::bigint + :slack::bigint))
SELECT xid, id, at, msisdn, kind, detail FROM event
 WHERE (xid, id) > (:after_xid::bigint, :after_id::bigint)
   AND (xid, id) >= ((SELECT at_xid FROM first), (SELECT at_id FROM first))
   AND (xid, id) <= ((SELECT at_xid FROM last), (SELECT at_id FROM last))
   AND at >= :since AND at < :until
   AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
   AND (:kinds::text[] IS NULL OR kind = ANY (:kinds))
 ORDER BY xid, id LIMIT :limit;

-- name: events_of_subscriber_between
WITH first AS MATERIALIZED (SELECT at_xid, at_id FROM feed_place(:since::bigint - :slack::bigint)),
last AS MATERIALIZED (SELECT at_xid, at_id FROM feed_place(:until::bigint + :slack::bigint))
SELECT xid, id, at, msisdn, kind, detail FROM event
 WHERE msisdn = :msisdn
   AND (xid, id) > (:after_xid::bigint, :after_id::bigint)
   AND (xid, id) >= ((SELECT at_xid FROM first), (SELECT at_id FROM first))
   AND (xid, id) <= ((SELECT at_xid FROM last), (SELECT at_id FROM last))
   AND at >= :since AND at < :until
   AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
   AND (:kinds::text[] IS NULL OR kind = ANY (:kinds))
 ORDER BY xid, id LIMIT :limit;

-- name: newest_event
SELECT xid, id FROM event WHERE xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
 ORDER BY xid DESC, id DESC LIMIT 1;

-- name: event_reached
-- Cursors are given out of transactions before all that still run, and every later event is of a later one.
SELECT :xid::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

-- name: forget_events
-- In the order of commits, which is about that of their times: the oldest is the first to look at.
WITH old AS MATERIALIZED (
    SELECT msisdn, xid, id FROM
        (SELECT msisdn, xid, id, at FROM event ORDER BY xid, id LIMIT :limit) AS first
     WHERE at < :before),
gone AS (
    DELETE FROM event e USING old WHERE e.msisdn = old.msisdn AND e.xid = old.xid AND e.id = old.id
    RETURNING e.id)
SELECT count(*) FROM gone;

-- name: insert_webhook
INSERT INTO webhook (url, kinds, secret_sealed, cursor_xid, cursor_id, created_at, due_at)
SELECT :url, :kinds, :secret_sealed, :cursor_xid, :cursor_id, :created_at, :created_at
 WHERE (SELECT count(*) FROM webhook) < :most
RETURNING id, url, kinds, secret_sealed, cursor_xid, cursor_id, created_at, paused, failures, due_at;

-- name: webhooks
SELECT id, url, kinds, secret_sealed, cursor_xid, cursor_id, created_at, paused, failures, due_at
  FROM webhook ORDER BY id;

-- name: lock_webhook
SELECT id, url, kinds, secret_sealed, cursor_xid, cursor_id, created_at, paused, failures, due_at
  FROM webhook WHERE id = :webhook FOR UPDATE;

-- name: set_webhook
UPDATE webhook
   SET url = coalesce(:url, url), kinds = coalesce(:kinds, kinds),
       secret_sealed = coalesce(:secret_sealed, secret_sealed), paused = coalesce(:paused, paused),
       cursor_xid = coalesce(:cursor_xid, cursor_xid), cursor_id = coalesce(:cursor_id, cursor_id),
       failures = 0, due_at = :now
 WHERE id = :webhook
RETURNING id, url, kinds, secret_sealed, cursor_xid, cursor_id, created_at, paused, failures, due_at;

-- name: drop_parked
DELETE FROM parked_event WHERE webhook_id = :webhook;

-- name: remove_webhook
DELETE FROM webhook WHERE id = :webhook;

-- name: take_webhook
-- One that has something to do: what is parked behind another event of its subscriber is nothing yet.
UPDATE webhook SET due_at = :until
 WHERE id = (
    SELECT w.id FROM webhook w
     WHERE NOT w.paused AND w.due_at <= :now
       AND (EXISTS (SELECT 1 FROM event e
                     WHERE (e.xid, e.id) > (w.cursor_xid, w.cursor_id)
                       AND e.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
            OR EXISTS (SELECT 1 FROM parked_event p
                        WHERE p.webhook_id = w.id AND p.due_at <= :now
                          AND NOT EXISTS (SELECT 1 FROM parked_event o
                                           WHERE o.webhook_id = p.webhook_id AND o.msisdn = p.msisdn
                                             AND o.due_at IS NOT NULL AND o.id < p.id)))
     ORDER BY w.due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, url, kinds, secret_sealed, cursor_xid, cursor_id, created_at, paused, failures, due_at;

-- name: settle_webhook
UPDATE webhook
   SET cursor_xid = :cursor_xid, cursor_id = :cursor_id, failures = :failures, due_at = :due_at,
       paused = paused OR :pause
 WHERE id = :webhook AND due_at = :lease
RETURNING id;

-- name: park
INSERT INTO parked_event (webhook_id, msisdn, event, attempts, due_at, error)
VALUES (:webhook, :msisdn, :event, 1, :due_at, :error);

-- name: unpark
DELETE FROM parked_event WHERE id = ANY (:delivered);

-- name: park_again
UPDATE parked_event SET attempts = attempts + 1, due_at = :due_at, error = :error WHERE id = :parked;

-- name: parked
-- The oldest of each subscriber, where its time has come.
SELECT id, webhook_id, event, attempts, due_at, error FROM parked_event
 WHERE webhook_id = :webhook AND due_at <= :now
   AND id IN (SELECT min(id) FROM parked_event
               WHERE webhook_id = :webhook AND due_at IS NOT NULL GROUP BY msisdn)
 ORDER BY due_at LIMIT :limit;

-- name: parked_subscribers
SELECT DISTINCT msisdn FROM parked_event
 WHERE webhook_id = :webhook AND due_at IS NOT NULL AND msisdn = ANY (:among);

-- name: dead_events
SELECT id, webhook_id, event, attempts, due_at, error FROM parked_event
 WHERE webhook_id = :webhook AND due_at IS NULL AND id > :after
   AND (:msisdn::text IS NULL OR msisdn = :msisdn)
   AND (:kinds::text[] IS NULL OR event::json ->> 'kind' = ANY (:kinds))
 ORDER BY id LIMIT :limit;

-- name: revive
UPDATE parked_event SET due_at = :now, attempts = 0
 WHERE id = :parked AND webhook_id = :webhook AND due_at IS NULL
RETURNING id;

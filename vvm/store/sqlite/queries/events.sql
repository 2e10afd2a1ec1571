-- name: events_after
SELECT id, at, msisdn, kind, detail FROM event WHERE id > :after ORDER BY id LIMIT :limit;

-- name: events_of_kinds
SELECT id, at, msisdn, kind, detail FROM event
 WHERE id > :after AND kind IN (SELECT value FROM json_each(:kinds)) ORDER BY id LIMIT :limit;

-- name: events_of_subscriber
SELECT id, at, msisdn, kind, detail FROM event
 WHERE msisdn = :msisdn AND id > :after
   AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
 ORDER BY id LIMIT :limit;

-- name: events_between
SELECT id, at, msisdn, kind, detail FROM event
 WHERE id > :after AND id < :before AND at >= :since AND at < :until
   AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
 ORDER BY id LIMIT :limit;

-- name: events_of_subscriber_between
SELECT id, at, msisdn, kind, detail FROM event
 WHERE msisdn = :msisdn AND id > :after AND id < :before AND at >= :since AND at < :until
   AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
 ORDER BY id LIMIT :limit;

-- name: event_ends
-- Each for itself: of both in one SELECT all that lies between them is read.
SELECT coalesce((SELECT min(id) FROM event), 1), coalesce((SELECT max(id) FROM event), 0) + 1;

-- name: event_from
SELECT id, at FROM event WHERE id >= :place ORDER BY id LIMIT 1;

-- name: newest_event
SELECT coalesce(max(id), 0) FROM event;

-- name: last_event
-- The last id there ever was: every event may be forgotten.
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0);

-- name: forget_events
-- In the order of their ids, which is that of their times: the oldest is the first to look at.
DELETE FROM event
 WHERE id IN (SELECT id FROM (SELECT id, at FROM event WHERE id > 0 ORDER BY id LIMIT :limit) WHERE at < :before);

-- name: insert_webhook
INSERT INTO webhook (url, kinds, secret_sealed, cursor, created_at, due_at)
SELECT :url, :kinds, :secret_sealed, :cursor, :created_at, :created_at
 WHERE (SELECT count(*) FROM webhook) < :most
RETURNING *;

-- name: webhooks
SELECT * FROM webhook ORDER BY id;

-- name: webhook
SELECT * FROM webhook WHERE id = ?;

-- name: set_webhook
UPDATE webhook
   SET url = coalesce(:url, url), kinds = coalesce(:kinds, kinds),
       secret_sealed = coalesce(:secret_sealed, secret_sealed), paused = coalesce(:paused, paused),
       cursor = coalesce(:cursor, cursor), failures = 0, due_at = :now
 WHERE id = :webhook
RETURNING *;

-- name: drop_parked
DELETE FROM parked_event WHERE webhook_id = ?;

-- name: remove_webhook
DELETE FROM webhook WHERE id = ?;

-- name: next_webhook
-- One that has something to do: what is parked behind another event of its subscriber is nothing yet.
SELECT id FROM webhook
 WHERE paused = 0 AND due_at <= :now
   AND (cursor < (SELECT coalesce(max(id), 0) FROM event)
        OR EXISTS (SELECT 1 FROM parked_event p
                    WHERE p.webhook_id = webhook.id AND p.due_at <= :now
                      AND NOT EXISTS (SELECT 1 FROM parked_event o
                                       WHERE o.webhook_id = p.webhook_id AND o.msisdn = p.msisdn
                                         AND o.due_at IS NOT NULL AND o.id < p.id)))
 ORDER BY due_at LIMIT 1;

-- name: take_webhook
UPDATE webhook SET due_at = :until WHERE id = :webhook RETURNING *;

-- name: settle_webhook
UPDATE webhook SET cursor = :cursor, failures = :failures, due_at = :due_at, paused = paused OR :pause
 WHERE id = :webhook AND due_at = :lease
RETURNING id;

-- name: park
INSERT INTO parked_event (webhook_id, msisdn, event, attempts, due_at, error) VALUES (?, ?, ?, ?, ?, ?);

-- name: unpark
DELETE FROM parked_event WHERE id = ?;

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
 WHERE webhook_id = :webhook AND due_at IS NOT NULL AND msisdn IN (SELECT value FROM json_each(:among));

-- name: dead_events
SELECT id, webhook_id, event, attempts, due_at, error FROM parked_event
 WHERE webhook_id = :webhook AND due_at IS NULL AND id > :after
   AND (:msisdn IS NULL OR msisdn = :msisdn)
   AND (:kinds IS NULL OR json_extract(event, '$.kind') IN (SELECT value FROM json_each(:kinds)))
 ORDER BY id LIMIT :limit;

-- name: revive
UPDATE parked_event SET due_at = :now, attempts = 0
 WHERE id = :parked AND webhook_id = :webhook AND due_at IS NULL
RETURNING id;

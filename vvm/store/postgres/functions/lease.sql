-- Carriers take turns; of each in the order of the families, then the oldest due.  What another worker is
-- about to take is passed over, and what another row of its line is before: one in hands, or an older one
-- that is due too.
CREATE OR REPLACE FUNCTION lease(
    at bigint, ends bigint, most bigint, worker text, families text[], carriers text[], others boolean, last_turn text
) RETURNS TABLE (
    id bigint, recipient text, subscriber_id bigint, cause text, uid bigint, return_code bigint, attempts bigint,
    expires_at bigint, owed_at bigint, accepted text[], carrier text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    due record;
BEGIN
    FOR due IN
        WITH RECURSIVE owed (carrier) AS (
            SELECT min(carrier) FROM outbox WHERE state = 'owed'
            UNION ALL
            SELECT (SELECT min(o.carrier) FROM outbox o WHERE o.state = 'owed' AND o.carrier > owed.carrier)
              FROM owed WHERE owed.carrier IS NOT NULL),
        ready AS MATERIALIZED (
            SELECT o.recipient, o.id, o.due_at, f.place, owed.carrier
              FROM owed
              CROSS JOIN unnest(families) WITH ORDINALITY AS f (family, place)
              CROSS JOIN LATERAL (
                  SELECT recipient, id, due_at FROM outbox w
                   WHERE state = 'owed' AND carrier = owed.carrier AND family = f.family AND due_at <= at
                     AND NOT EXISTS (SELECT 1 FROM outbox b
                                      WHERE b.recipient = w.recipient AND b.family = w.family AND b.state = 'owed'
                                        AND b.id <> w.id
                                        AND ((b.leased AND b.due_at > at) OR (b.id < w.id AND b.due_at <= at))
                                     OFFSET 0)  -- asked row by row: as a join it may read all that is owed
                   ORDER BY due_at, id LIMIT most FOR UPDATE SKIP LOCKED) AS o
             WHERE owed.carrier IS NOT NULL AND (owed.carrier = ANY (carriers)) <> others)
        SELECT recipient, id
          FROM (SELECT *, row_number() OVER (PARTITION BY carrier ORDER BY place, due_at, id) AS turn FROM ready) AS ready
         ORDER BY turn, ready.carrier <= last_turn, carrier LIMIT most
    LOOP
        RETURN QUERY
        UPDATE outbox o SET due_at = ends, attempts = o.attempts + 1, leased = true, taken_at = at, held = false,
               holder = worker
         WHERE o.recipient = due.recipient AND o.id = due.id
        RETURNING o.id, o.recipient, o.subscriber_id, o.cause, o.uid, o.return_code, o.attempts, o.expires_at,
                  o.owed_at, ARRAY(SELECT jsonb_object_keys(o.message_ids)), o.carrier;
    END LOOP;
END
$$;

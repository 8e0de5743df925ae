-- Every order whose customer is to be written to was written to, once, or its mail's job is alive.
--
-- A mail that may or may not have left is the matter of effects.settled. One whose job is dead and
-- that surely did not leave is *stuck*.
--   mail_kinds, mail_events (as long): the timeline's event that each kind of mail tells of
WITH due AS (
  SELECT DISTINCT 'order:' || e.order_id AS reference, mail.kind, e.created_at
  FROM orders_orderevent AS e
  JOIN unnest(%(mail_kinds)s::text[], %(mail_events)s::text[]) AS mail (kind, event)
    ON mail.event = e.kind
)
SELECT due.reference, 'one ' || due.kind || ' mail',
  CASE WHEN ended.id IS NULL THEN 'none, and no job' ELSE 'stuck: its job is ' || ended.state END,
  ended.id, due.reference, NULL::timestamptz
FROM due
LEFT JOIN tasks_effect AS e ON e.key = due.reference || ':email:' || due.kind
LEFT JOIN LATERAL (
  SELECT job.id, job.state
  FROM tasks_job AS job
  WHERE job.subject = due.reference AND job.subject <> '' AND job.task = 'orders.send_email'
    AND job.kwargs ->> 'kind' = due.kind AND job.state IN ('dead', 'cancelled', 'expired')
  ORDER BY job.created_at DESC
  LIMIT 1
) AS ended ON true
WHERE (e.state IS NULL OR e.state NOT IN ('done', 'intended'))
  AND NOT EXISTS (
    SELECT 1
    FROM tasks_job AS job
    WHERE job.subject = due.reference AND job.subject <> '' AND job.task = 'orders.send_email'
      AND job.kwargs ->> 'kind' = due.kind AND job.state IN ('scheduled', 'queued', 'running')
  )
  AND NOT EXISTS (
    SELECT 1
    FROM tasks_effect AS again
    WHERE again.key LIKE due.reference || ':email:' || due.kind || ':%%' AND again.state = 'done'
  )

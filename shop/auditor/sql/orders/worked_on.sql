-- An order that is not at its end, or owes its customer money, has a job that is alive.
--
-- One whose job is dead is *stuck*: it waits for a person. One with neither is lost.
WITH unfinished AS (
  SELECT o.id, 'order:' || o.id AS reference, o.state, p.state AS payment
  FROM orders_order AS o
  JOIN orders_payment AS p ON p.order_id = o.id
  WHERE o.state IN ('placed', 'reserved')
    OR (o.state IN ('failed', 'cancelled', 'refunded') AND p.state IN ('charging', 'captured'))
    OR (
      o.state = 'confirmed' AND p.state = 'captured' AND o.id IN (
        SELECT order_id FROM orders_orderevent WHERE kind = 'refund_asked'
      )
    )
)
SELECT reference, 'a live job (' || state || ', payment ' || payment || ')',
  CASE WHEN dead.id IS NULL THEN 'nobody works on it' ELSE 'stuck: its job is dead' END,
  dead.id, reference, NULL::timestamptz
FROM unfinished
LEFT JOIN LATERAL (
  SELECT job.id
  FROM tasks_job AS job
  WHERE job.subject = reference AND job.subject <> '' AND job.state = 'dead'
    AND job.task <> 'orders.send_email'
  ORDER BY job.finished_at DESC NULLS LAST
  LIMIT 1
) AS dead ON true
WHERE NOT EXISTS (
  SELECT 1
  FROM tasks_job AS job
  WHERE job.subject = reference AND job.subject <> '' AND job.task <> 'orders.send_email'
    AND job.state IN ('scheduled', 'queued', 'running')
)

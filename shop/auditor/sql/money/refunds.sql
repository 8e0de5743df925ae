-- Every refunded payment has one refund in the ledger of effects, of its amount, and every such
-- refund one payment.
SELECT COALESCE('order:' || p.order_id, 'effect:' || e.id), wrong.expected,
  format(
    'payment %%s %%s, refund %%s %%s %%s', p.state, p.amount_minor, e.state, e.result ->> 'state',
    e.result ->> 'amount_minor'
  ),
  e.job_id, 'order:' || p.order_id, COALESCE(e.settled_at, e.intended_at)
FROM (SELECT * FROM tasks_effect WHERE kind = 'refund') AS e
FULL JOIN orders_payment AS p ON e.key = 'order:' || p.order_id || ':refund'
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN p.id IS NULL THEN 'an order to refund'
    WHEN p.state = 'refunded' AND (
      e.state IS DISTINCT FROM 'done' OR e.result ->> 'state' IS DISTINCT FROM 'succeeded'
    ) THEN 'a refund that succeeded'
    WHEN p.state = 'refunded' AND e.result ->> 'amount_minor' IS DISTINCT FROM p.amount_minor::text
      THEN 'a refund of all of it'
    WHEN e.state = 'done' AND p.state <> 'refunded' AND NOT EXISTS (
      SELECT 1
      FROM tasks_job AS job
      WHERE job.subject = 'order:' || p.order_id AND job.subject <> ''
        AND job.state IN ('scheduled', 'queued', 'running')
    ) THEN 'a payment that says so'
  END AS expected
) AS wrong
WHERE wrong.expected IS NOT NULL

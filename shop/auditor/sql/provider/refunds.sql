-- Every refunded payment is a refund in the sandbox provider's books, and every refund there a
-- refunded payment.
SELECT COALESCE('order:' || p.order_id, 'refund:' || r.reference), wrong.expected,
  format('payment %%s %%s, refund %%s %%s', p.state, p.amount_minor, r.state, r.amount_minor),
  e.job_id, 'order:' || p.order_id, COALESCE(e.settled_at, e.intended_at)
FROM sandbox_refund AS r
FULL JOIN (SELECT * FROM orders_payment WHERE provider = 'sandbox') AS p
  ON r.key = 'order:' || p.order_id || ':refund'
LEFT JOIN tasks_effect AS e ON e.key = COALESCE('order:' || p.order_id || ':refund', r.key)
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN p.id IS NULL THEN 'an order to refund'
    WHEN p.state = 'refunded'
      AND (r.state IS DISTINCT FROM 'succeeded' OR r.amount_minor <> p.amount_minor)
      THEN 'a refund of all of it'
    WHEN r.id IS NOT NULL AND p.state <> 'refunded' AND NOT EXISTS (
      SELECT 1
      FROM tasks_job AS job
      WHERE job.subject = 'order:' || p.order_id AND job.subject <> ''
        AND job.state IN ('scheduled', 'queued', 'running')
    ) THEN 'a payment that says so'
  END AS expected
) AS wrong
WHERE wrong.expected IS NOT NULL

-- Every captured payment is a charge in the sandbox provider's books, and every charge there that
-- succeeded a payment.
SELECT COALESCE('order:' || p.order_id, 'charge:' || c.reference), wrong.expected,
  format(
    'payment %%s %%s %%s, charge %%s %%s %%s', p.state, p.amount_minor, p.provider_reference,
    c.state, c.amount_minor, c.reference
  ),
  e.job_id, 'order:' || p.order_id, COALESCE(e.settled_at, e.intended_at)
FROM (SELECT * FROM sandbox_charge WHERE state <> 'declined') AS c
FULL JOIN (SELECT * FROM orders_payment WHERE provider = 'sandbox') AS p
  ON c.key = 'order:' || p.order_id || ':charge'
LEFT JOIN tasks_effect AS e ON e.key = COALESCE('order:' || p.order_id || ':charge', c.key)
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN p.id IS NULL THEN 'an order to charge for'
    WHEN p.state IN ('captured', 'refunded') AND (
      c.state IS DISTINCT FROM 'succeeded' OR c.amount_minor <> p.amount_minor
      OR c.currency <> p.currency OR c.reference <> p.provider_reference
    ) THEN 'the charge that was made'
    WHEN c.state = 'succeeded' AND p.state NOT IN ('captured', 'refunded', 'charging')
      AND NOT EXISTS (
        SELECT 1
        FROM tasks_job AS job
        WHERE job.subject = 'order:' || p.order_id AND job.subject <> ''
          AND job.state IN ('scheduled', 'queued', 'running')
      ) THEN 'a payment that says so'
  END AS expected
) AS wrong
WHERE wrong.expected IS NOT NULL

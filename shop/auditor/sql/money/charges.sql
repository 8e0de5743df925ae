-- Every captured payment has one charge in the ledger of effects, of its amount, and every such
-- charge one payment.
--
-- Between the charge and the payment's own record the order's job is alive.
SELECT COALESCE('order:' || p.order_id, 'effect:' || e.id), wrong.expected,
  format(
    'payment %%s %%s %%s, charge %%s %%s %%s %%s',
    p.state, p.amount_minor, p.provider_reference, e.state, e.result ->> 'state',
    e.result ->> 'amount_minor', e.result ->> 'reference'
  ),
  e.job_id, 'order:' || p.order_id, COALESCE(e.settled_at, e.intended_at)
FROM (SELECT * FROM tasks_effect WHERE kind = 'charge') AS e
FULL JOIN orders_payment AS p ON e.key = 'order:' || p.order_id || ':charge'
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN p.id IS NULL THEN 'an order to charge for'
    WHEN p.state IN ('captured', 'refunded') AND (
      e.state IS DISTINCT FROM 'done' OR e.result ->> 'state' IS DISTINCT FROM 'succeeded'
    ) THEN 'a charge that succeeded'
    WHEN p.state IN ('captured', 'refunded') AND (
      e.result ->> 'amount_minor' IS DISTINCT FROM p.amount_minor::text
      OR e.result ->> 'currency' IS DISTINCT FROM p.currency
      OR e.result ->> 'reference' IS DISTINCT FROM p.provider_reference
    ) THEN 'the charge that was made'
    WHEN e.state = 'done' AND (
      e.result ->> 'state' = 'succeeded' AND p.state NOT IN ('captured', 'refunded')
      OR e.result ->> 'state' = 'declined' AND p.state <> 'refused'
    ) AND NOT EXISTS (
      SELECT 1
      FROM tasks_job AS job
      WHERE job.subject = 'order:' || p.order_id AND job.subject <> ''
        AND job.state IN ('scheduled', 'queued', 'running')
    ) THEN 'a payment that says so'
  END AS expected
) AS wrong
WHERE wrong.expected IS NOT NULL

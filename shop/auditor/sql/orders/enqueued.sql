-- An order was placed with its checkout job.
--
-- Orders from before the ledger's memory are not judged.
--   ledger_days: for how long the ledger keeps ended jobs
SELECT 'order:' || o.id, 'a job orders.advance_checkout', 'none', NULL::uuid, 'order:' || o.id,
  o.placed_at
FROM orders_order AS o
WHERE o.placed_at > statement_timestamp() - %(ledger_days)s::float8 * interval '1 day'
  AND NOT EXISTS (
    SELECT 1
    FROM tasks_job AS job
    WHERE job.subject = 'order:' || o.id AND job.subject <> ''
      AND job.task = 'orders.advance_checkout'
  )

-- Every event of an order was written by a job that exists, as far back as the ledger remembers.
--
--   ledger_days: for how long the ledger keeps ended jobs
SELECT 'order:' || w.order_id, 'the job that wrote the event ' || w.kind,
  'no job ' || w.job_id, w.job_id, '', w.created_at
FROM orders_orderevent AS w
WHERE w.job_id IS NOT NULL
  AND w.created_at > statement_timestamp() - %(ledger_days)s::float8 * interval '1 day'
  AND NOT EXISTS (SELECT 1 FROM tasks_job AS j WHERE j.id = w.job_id)

-- Every movement of stock was written by a job that exists, as far back as the ledger remembers.
--
--   ledger_days: for how long the ledger keeps ended jobs
SELECT 'movement:' || w.id, 'the job that wrote it',
  'no job ' || w.job_id, w.job_id, '', w.created_at
FROM inventory_stockmovement AS w
WHERE w.job_id IS NOT NULL
  AND w.created_at > statement_timestamp() - %(ledger_days)s::float8 * interval '1 day'
  AND NOT EXISTS (SELECT 1 FROM tasks_job AS j WHERE j.id = w.job_id)

-- A job that another one enqueued knows a job that exists, as far back as the ledger remembers.
--
--   ledger_days: for how long the ledger keeps ended jobs
SELECT 'job:' || j.id, 'its parent in the ledger', 'no job ' || j.parent_id, j.parent_id, '',
  j.created_at
FROM tasks_job AS j
WHERE j.parent_id IS NOT NULL
  AND j.created_at > statement_timestamp() - %(ledger_days)s::float8 * interval '1 day'
  AND NOT EXISTS (SELECT 1 FROM tasks_job AS parent WHERE parent.id = j.parent_id)

-- Every effect was intended by a job that exists, as far back as the ledger remembers.
--
--   ledger_days: for how long the ledger keeps ended jobs
SELECT 'effect:' || w.id, 'the job that intended it',
  'no job ' || w.job_id, w.job_id, '', w.intended_at
FROM tasks_effect AS w
WHERE w.job_id IS NOT NULL
  AND w.intended_at > statement_timestamp() - %(ledger_days)s::float8 * interval '1 day'
  AND NOT EXISTS (SELECT 1 FROM tasks_job AS j WHERE j.id = w.job_id)

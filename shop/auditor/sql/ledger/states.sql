-- Every job that was enqueued is alive or at its end: in a state of the ledger.
--
--   job_states: all that the model knows
SELECT 'job:' || j.id, 'a state of the ledger', j.state, j.id, '', NULL::timestamptz
FROM tasks_job AS j
WHERE j.state <> ALL (%(job_states)s::text[])

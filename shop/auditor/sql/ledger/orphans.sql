-- Every attempt is one of a job that exists.
SELECT 'job:' || a.job_id, 'a job', 'attempt ' || a.number || ' of none', a.job_id, '',
  a.started_at
FROM tasks_attempt AS a
WHERE NOT EXISTS (SELECT 1 FROM tasks_job AS j WHERE j.id = a.job_id)

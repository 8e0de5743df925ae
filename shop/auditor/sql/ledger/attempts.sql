-- A job's counters agree with the records of its attempts.
--
-- There may be fewer records than claims: a job that a worker gave back, or that was claimed only
-- to be found expired, leaves none. A retry by a person sets the count of failures back.
SELECT 'job:' || j.id,
  format('at most %%s records, %%s of them failures or more', j.attempt, j.failures),
  format(
    '%%s, %%s records up to attempt %%s, %%s failures',
    j.state, made.count, made.newest, made.failed
  ),
  j.id, '', NULL::timestamptz
FROM tasks_job AS j
LEFT JOIN (
  SELECT job_id, count(*) AS count, max(number) AS newest,
    count(*) FILTER (WHERE outcome IN ('retry', 'dead')) AS failed
  FROM tasks_attempt
  GROUP BY job_id
) AS made ON made.job_id = j.id
WHERE made.newest > j.attempt
  OR (j.state = 'running' AND made.newest = j.attempt)
  OR COALESCE(made.failed, 0) < j.failures

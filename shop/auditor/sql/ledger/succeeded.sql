-- A job that succeeded did so in one attempt, its newest, and no other job has one that succeeded.
SELECT 'job:' || j.id,
  CASE WHEN j.state = 'succeeded' THEN 'attempt ' || j.attempt ELSE 'no attempt' END
    || ' succeeded',
  j.state || ', ' || COALESCE(done.count, 0) || ' succeeded, the newest '
    || COALESCE(done.newest::text, 'none'),
  j.id, '', j.finished_at
FROM tasks_job AS j
LEFT JOIN (
  SELECT job_id, count(*) AS count, max(number) AS newest
  FROM tasks_attempt
  WHERE outcome = 'succeeded'
  GROUP BY job_id
) AS done ON done.job_id = j.id
WHERE CASE
  WHEN j.state = 'succeeded' THEN done.count IS DISTINCT FROM 1 OR done.newest <> j.attempt
  ELSE done.count IS NOT NULL
END

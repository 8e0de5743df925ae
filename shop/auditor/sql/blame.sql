-- Who is to blame for each breach: the job that its row names, or else the newest job about its
-- subject before its moment, and of that job the attempt that ran at that moment.
WITH breach (subject, expected, found, job_id, about, moment) AS (
/* invariant */
)
SELECT breach.subject, breach.expected, breach.found, suspect.job_id, COALESCE(
  (
    SELECT job.attempt
    FROM tasks_job AS job
    WHERE job.id = suspect.job_id AND job.state = 'running'
      AND (breach.moment IS NULL OR job.started_at <= breach.moment)
  ), (
    SELECT attempt.number
    FROM tasks_attempt AS attempt
    WHERE attempt.job_id = suspect.job_id
      AND (breach.moment IS NULL OR attempt.started_at <= breach.moment)
    ORDER BY attempt.number DESC
    LIMIT 1
  )
)
FROM breach
CROSS JOIN LATERAL (
  SELECT COALESCE(
    breach.job_id,
    (
      SELECT job.id
      FROM tasks_job AS job
      WHERE job.subject = breach.about AND job.subject <> ''
      ORDER BY job.created_at <= breach.moment DESC NULLS LAST, job.created_at DESC, job.id DESC
      LIMIT 1
    )
  ) AS job_id
) AS suspect

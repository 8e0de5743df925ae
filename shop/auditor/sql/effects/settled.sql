-- Every effect whose outcome is open has a job that will find out.
--
-- One without is *stuck*: nobody knows whether it happened, and a person has to look. A mail that
-- was sent again since needs no looking.
SELECT 'effect:' || e.id, e.key || ' done or failed', 'stuck: intended, and no job is alive',
  e.job_id, about.subject, e.intended_at
FROM tasks_effect AS e
CROSS JOIN LATERAL (
  SELECT split_part(e.key, ':', 1) || ':' || split_part(e.key, ':', 2) AS subject
) AS about
WHERE e.state = 'intended'
  AND NOT EXISTS (
    SELECT 1
    FROM tasks_job AS job
    WHERE (job.id = e.job_id OR (job.subject = about.subject AND job.subject <> ''))
      AND job.state IN ('scheduled', 'queued', 'running')
  )
  AND NOT EXISTS (
    SELECT 1 FROM tasks_effect AS again WHERE again.key LIKE e.key || ':%%' AND again.state = 'done'
  )

-- jobs.run_now for many: scheduled jobs become due.
--   ids
UPDATE tasks_job
SET run_at = clock_timestamp()
WHERE id = ANY(%(ids)s) AND state = 'scheduled' AND run_at > clock_timestamp()
RETURNING id

-- The oldest queued jobs of a queue that the broker holds fewer messages for than it should.
-- Returns what their messages need, and starts their waiting anew.
--   queue, missing: how many at the most, age_s: how long they must have been queued
WITH lost AS (
    SELECT job.id
    FROM tasks_job AS job
    WHERE job.state = 'queued'
        AND job.queue = %(queue)s
        AND job.queued_at <= clock_timestamp() - %(age_s)s::float8 * interval '1 second'
    ORDER BY job.queued_at
    LIMIT %(missing)s
    FOR UPDATE SKIP LOCKED
)
UPDATE tasks_job AS job
SET queued_at = clock_timestamp()
FROM lost
WHERE job.id = lost.id
RETURNING
    job.id, job.task, job.queue, job.args::text, job.kwargs::text, job.priority,
    job.failures, job.correlation_id, job.parent_id, job.options, job.state,
    job.run_at

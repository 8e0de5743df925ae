-- Marks the jobs that are due as queued (or expired) and returns what their messages need.
-- Several dispatchers share the work by SKIP LOCKED; the commit is quick and nothing is sent
-- while the rows are locked. A dispatcher that dies before sending leaves jobs that the broker
-- lacks: the rescue publishes them.
-- A job of a paused queue is set aside (held) instead, once, so that however many there are the
-- next look doesn't walk over them.
--   batch: how many at the most
WITH due AS (
    -- One index range a priority, the highest first: future jobs are never walked over.
    SELECT pick.id, paused.queue IS NOT NULL AS paused
    FROM generate_series(9, 0, -1) AS level (priority)
    CROSS JOIN LATERAL (
        SELECT job.id, job.queue
        FROM tasks_job AS job
        WHERE job.state = 'scheduled'
            AND NOT job.held
            AND job.priority = level.priority
            AND job.run_at <= clock_timestamp()
        ORDER BY job.run_at
        LIMIT %(batch)s
        FOR UPDATE SKIP LOCKED
    ) AS pick
    LEFT JOIN tasks_pausedqueue AS paused ON paused.queue = pick.queue
    LIMIT %(batch)s
)
UPDATE tasks_job AS job
SET
    state = CASE
        WHEN job.expires_at <= clock_timestamp() THEN 'expired'
        WHEN due.paused THEN 'scheduled'
        ELSE 'queued'
    END,
    held = due.paused,
    queued_at = CASE WHEN NOT due.paused THEN clock_timestamp() END,
    finished_at = CASE WHEN job.expires_at <= clock_timestamp() THEN clock_timestamp() END
FROM due
WHERE job.id = due.id
RETURNING
    job.id, job.task, job.queue, job.args::text, job.kwargs::text, job.priority,
    job.failures, job.correlation_id, job.parent_id, job.options, job.state,
    job.run_at

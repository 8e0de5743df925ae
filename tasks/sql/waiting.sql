-- Whether a job of these queues has been due for some time and was not started.
--   queues, age_s
SELECT EXISTS (
    SELECT 1
    FROM tasks_job AS job
    WHERE job.state = 'queued'
        AND job.queue = ANY (%(queues)s::text[])
        AND job.queued_at <= clock_timestamp() - %(age_s)s::float8 * interval '1 second'
) OR EXISTS (
    -- One index range a priority: future jobs are never walked over.
    SELECT 1
    FROM generate_series(9, 0, -1) AS level (priority)
    JOIN tasks_job AS job
        ON job.state = 'scheduled'
        AND job.priority = level.priority
        AND job.run_at <= clock_timestamp() - %(age_s)s::float8 * interval '1 second'
    WHERE job.queue = ANY (%(queues)s::text[])
)

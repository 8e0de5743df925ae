-- Seconds until the next scheduled job is due (negative when overdue), or null.
SELECT extract(epoch FROM min(first.run_at) - clock_timestamp())::float8
FROM generate_series(0, 9) AS level (priority)
CROSS JOIN LATERAL (
    SELECT job.run_at
    FROM tasks_job AS job
    WHERE job.state = 'scheduled' AND NOT job.held AND job.priority = level.priority
    ORDER BY job.run_at
    LIMIT 1
) AS first

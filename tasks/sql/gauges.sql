-- What is wrong or late right now, in one row. Each part reads one partial index.
--   patience_s: after which an effect without an outcome counts as unknown
SELECT
    (
        SELECT count(*) FROM tasks_job
        WHERE state = 'running' AND lease_until <= clock_timestamp()
    ) AS lapsed,
    (
        SELECT count(*) FROM tasks_effect
        WHERE state = 'intended'
            AND intended_at <= clock_timestamp() - %(patience_s)s::float8 * interval '1 second'
    ) AS unknown,
    (
        -- Due and not dispatched; one look at the start of each priority's range.
        SELECT COALESCE(greatest(extract(epoch FROM clock_timestamp() - min(first.run_at)), 0), 0)
        FROM generate_series(0, 9) AS level (priority)
        CROSS JOIN LATERAL (
            SELECT job.run_at
            FROM tasks_job AS job
            WHERE job.state = 'scheduled' AND NOT job.held AND job.priority = level.priority
            ORDER BY job.run_at
            LIMIT 1
        ) AS first
    )::float8 AS lag_s

-- Live and dead jobs by queue, and for how many seconds the oldest of those that have not started has
-- been due. Each part is the rows of one partial index, however long the history is.
SELECT
    part.queue,
    count(*) FILTER (WHERE part.state = 'scheduled' AND part.run_at > clock_timestamp()) AS later,
    count(*) FILTER (WHERE part.state = 'scheduled' AND part.run_at <= clock_timestamp()) AS due,
    count(*) FILTER (WHERE part.state = 'queued') AS queued,
    count(*) FILTER (WHERE part.state = 'running') AS running,
    count(*) FILTER (WHERE part.state = 'dead') AS dead,
    extract(
        epoch FROM clock_timestamp() - min(part.run_at) FILTER (
            WHERE part.state IN ('scheduled', 'queued') AND part.run_at <= clock_timestamp()
        )
    )::float8 AS oldest_s
FROM (
    SELECT queue, state, run_at FROM tasks_job WHERE state = 'scheduled' AND NOT held
    UNION ALL
    SELECT queue, state, run_at FROM tasks_job WHERE state = 'scheduled' AND held
    UNION ALL
    SELECT queue, state, run_at FROM tasks_job WHERE state = 'queued'
    UNION ALL
    SELECT queue, state, run_at FROM tasks_job WHERE state = 'running'
    UNION ALL
    SELECT queue, state, run_at FROM tasks_job WHERE state = 'dead'
) AS part
GROUP BY part.queue

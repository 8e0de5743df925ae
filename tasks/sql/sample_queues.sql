-- Writes how long each queue is, once a minute; a minute that has its sample keeps it.
-- A pause doesn't shorten a queue: held jobs wait too.
--   at: a whole minute
INSERT INTO tasks_queuesample (at, queue, waiting, running, oldest_s)
SELECT
    %(at)s,
    part.queue,
    count(*) FILTER (WHERE part.state <> 'running'),
    count(*) FILTER (WHERE part.state = 'running'),
    COALESCE(
        extract(
            epoch FROM clock_timestamp() - min(part.run_at) FILTER (WHERE part.state <> 'running')
        ),
        0
    )
FROM (
    SELECT queue, state, run_at FROM tasks_job
    WHERE state = 'scheduled' AND NOT held AND run_at <= clock_timestamp()
    UNION ALL
    SELECT queue, state, run_at FROM tasks_job
    WHERE state = 'scheduled' AND held AND run_at <= clock_timestamp()
    UNION ALL
    SELECT queue, state, run_at FROM tasks_job WHERE state = 'queued'
    UNION ALL
    SELECT queue, state, run_at FROM tasks_job WHERE state = 'running'
) AS part
GROUP BY part.queue
ON CONFLICT (at, queue) DO NOTHING

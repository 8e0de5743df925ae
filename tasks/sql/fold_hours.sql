-- Deletes hours that are too old to be shown one by one and adds them to `ever`, so that counters
-- made of the whole table never go back.
--   before: a whole hour
WITH gone AS (
    DELETE FROM tasks_jobstatistic WHERE unit = 'hour' AND start < %(before)s RETURNING *
), part AS (
    SELECT * FROM gone
    UNION ALL
    SELECT ever.*
    FROM tasks_jobstatistic AS ever
    WHERE ever.unit = 'ever'
        AND EXISTS (SELECT FROM gone WHERE gone.queue = ever.queue AND gone.task = ever.task)
),
-- include: summed_buckets
INSERT INTO tasks_jobstatistic (
    unit, start, queue, task, succeeded, retried, dead, crashed, snoozed, cancelled,
    run_s, wait_s, run_buckets, wait_buckets
)
SELECT
    'ever', to_timestamp(0), queue, task,
    sum(succeeded), sum(retried), sum(dead), sum(crashed), sum(snoozed), sum(cancelled),
    sum(run_s), sum(wait_s),
    COALESCE((array_agg(runs.buckets))[1], '{}'),
    COALESCE((array_agg(waits.buckets))[1], '{}')
FROM part
LEFT JOIN runs USING (queue, task)
LEFT JOIN waits USING (queue, task)
GROUP BY queue, task
-- include: replace_statistics

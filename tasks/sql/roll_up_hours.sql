-- Adds the minutes of whole hours up into hours; an hour that was added up before is so anew.
--   since, until: whole hours
WITH part AS (
    SELECT date_trunc('hour', start) AS hour, *
    FROM tasks_jobstatistic
    WHERE unit = 'minute' AND start >= %(since)s AND start < %(until)s
), runs AS (
    SELECT hour, queue, task, jsonb_object_agg(bucket, many) AS buckets
    FROM (
        SELECT part.hour, part.queue, part.task, each.key AS bucket, sum(each.value::bigint) AS many
        FROM part
        CROSS JOIN LATERAL jsonb_each_text(part.run_buckets) AS each
        GROUP BY part.hour, part.queue, part.task, each.key
    ) AS counted
    GROUP BY hour, queue, task
), waits AS (
    SELECT hour, queue, task, jsonb_object_agg(bucket, many) AS buckets
    FROM (
        SELECT part.hour, part.queue, part.task, each.key AS bucket, sum(each.value::bigint) AS many
        FROM part
        CROSS JOIN LATERAL jsonb_each_text(part.wait_buckets) AS each
        GROUP BY part.hour, part.queue, part.task, each.key
    ) AS counted
    GROUP BY hour, queue, task
)
INSERT INTO tasks_jobstatistic (
    unit, start, queue, task, succeeded, retried, dead, crashed, snoozed, cancelled,
    run_s, wait_s, run_buckets, wait_buckets
)
SELECT
    'hour', hour, queue, task,
    sum(succeeded), sum(retried), sum(dead), sum(crashed), sum(snoozed), sum(cancelled),
    sum(run_s), sum(wait_s),
    COALESCE((array_agg(runs.buckets))[1], '{}'),
    COALESCE((array_agg(waits.buckets))[1], '{}')
FROM part
LEFT JOIN runs USING (hour, queue, task)
LEFT JOIN waits USING (hour, queue, task)
GROUP BY hour, queue, task
ORDER BY hour, queue, task
-- include: replace_statistics

-- Statistics of a span, added up by queue and task.
--   units: which rows ('minute', or 'hour' and 'ever'); since
WITH part AS (
    SELECT * FROM tasks_jobstatistic WHERE unit = ANY(%(units)s) AND start >= %(since)s
),
-- include: summed_buckets
SELECT
    queue, task,
    sum(succeeded)::bigint, sum(retried)::bigint, sum(dead)::bigint, sum(crashed)::bigint,
    sum(snoozed)::bigint, sum(cancelled)::bigint, sum(run_s), sum(wait_s),
    (array_agg(runs.buckets))[1], (array_agg(waits.buckets))[1]
FROM part
LEFT JOIN runs USING (queue, task)
LEFT JOIN waits USING (queue, task)
GROUP BY queue, task
ORDER BY queue, task

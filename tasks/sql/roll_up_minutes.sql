-- Counts the attempts that ended in a span of whole minutes, by minute, queue and task. A minute that
-- was counted before is counted anew, so it may run twice, or late.
--   since, until
WITH ended AS (
    SELECT
        date_trunc('minute', attempt.finished_at) AS start,
        job.queue,
        job.task,
        attempt.outcome,
        -- A worker's clock plays no part: both times are PostgreSQL's.
        CASE WHEN attempt.started_at IS NOT NULL
            THEN greatest(extract(epoch FROM attempt.finished_at - attempt.started_at), 0)::float8
        END AS run_s,
        -- Known of an attempt that succeeded: its job's run_at never changes afterwards.
        CASE WHEN attempt.outcome = 'succeeded' AND attempt.started_at IS NOT NULL
            THEN greatest(extract(epoch FROM attempt.started_at - job.run_at), 0)::float8
        END AS wait_s
    FROM tasks_attempt AS attempt
    JOIN tasks_job AS job ON job.id = attempt.job_id
    WHERE attempt.finished_at >= %(since)s AND attempt.finished_at < %(until)s
), bucketed AS (
    -- tasks/buckets.py explains the buckets
    SELECT
        *,
        CASE
            WHEN run_s <= 0.001 THEN 0
            WHEN run_s > 0.001 THEN least(ceil(4 * log(2, (run_s / 0.001)::numeric) - 0.000000001), 100)::int
        END AS run_bucket,
        CASE
            WHEN wait_s <= 0.001 THEN 0
            WHEN wait_s > 0.001 THEN least(ceil(4 * log(2, (wait_s / 0.001)::numeric) - 0.000000001), 100)::int
        END AS wait_bucket
    FROM ended
), runs AS (
    SELECT start, queue, task, jsonb_object_agg(run_bucket, many) AS buckets
    FROM (
        SELECT start, queue, task, run_bucket, count(*) AS many
        FROM bucketed
        WHERE run_bucket IS NOT NULL
        GROUP BY start, queue, task, run_bucket
    ) AS counted
    GROUP BY start, queue, task
), waits AS (
    SELECT start, queue, task, jsonb_object_agg(wait_bucket, many) AS buckets
    FROM (
        SELECT start, queue, task, wait_bucket, count(*) AS many
        FROM bucketed
        WHERE wait_bucket IS NOT NULL
        GROUP BY start, queue, task, wait_bucket
    ) AS counted
    GROUP BY start, queue, task
)
INSERT INTO tasks_jobstatistic (
    unit, start, queue, task, succeeded, retried, dead, crashed, snoozed, cancelled,
    run_s, wait_s, run_buckets, wait_buckets
)
SELECT
    'minute', start, queue, task,
    count(*) FILTER (WHERE outcome = 'succeeded'),
    count(*) FILTER (WHERE outcome = 'retry'),
    count(*) FILTER (WHERE outcome = 'dead'),
    count(*) FILTER (WHERE outcome = 'crashed'),
    count(*) FILTER (WHERE outcome = 'snoozed'),
    count(*) FILTER (WHERE outcome = 'cancelled'),
    COALESCE(sum(run_s), 0),
    COALESCE(sum(wait_s), 0),
    COALESCE((array_agg(runs.buckets))[1], '{}'),
    COALESCE((array_agg(waits.buckets))[1], '{}')
FROM bucketed
LEFT JOIN runs USING (start, queue, task)
LEFT JOIN waits USING (start, queue, task)
GROUP BY start, queue, task
ORDER BY start, queue, task
-- include: replace_statistics

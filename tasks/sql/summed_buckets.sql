-- The buckets of the statistics in `part`, added up by queue and task: two named queries of a WITH.
-- Included by fold_hours.sql and statistics.sql.
runs AS (
    SELECT queue, task, jsonb_object_agg(bucket, many) AS buckets
    FROM (
        SELECT part.queue, part.task, each.key AS bucket, sum(each.value::bigint) AS many
        FROM part
        CROSS JOIN LATERAL jsonb_each_text(part.run_buckets) AS each
        GROUP BY part.queue, part.task, each.key
    ) AS counted
    GROUP BY queue, task
), waits AS (
    SELECT queue, task, jsonb_object_agg(bucket, many) AS buckets
    FROM (
        SELECT part.queue, part.task, each.key AS bucket, sum(each.value::bigint) AS many
        FROM part
        CROSS JOIN LATERAL jsonb_each_text(part.wait_buckets) AS each
        GROUP BY part.queue, part.task, each.key
    ) AS counted
    GROUP BY queue, task
)

-- Writes many jobs of one task with one set of options.
--   ids, args, kwargs, subjects: arrays of the same length; the rest as in enqueue.sql
INSERT INTO tasks_job (
    id, task, queue, args, kwargs, priority, run_at, expires_at, subject, tags,
    correlation_id, enqueued_by, parent_id, options, traceparent, created_at
)
SELECT
    each.id, %(task)s, %(queue)s, each.args::jsonb, each.kwargs::jsonb, %(priority)s,
    COALESCE(
        %(eta)s::timestamptz,
        clock_timestamp() + COALESCE(%(countdown)s::float8, 0) * interval '1 second'
    ),
    COALESCE(
        %(expires_at)s::timestamptz,
        clock_timestamp() + %(lifetime)s::float8 * interval '1 second'
    ),
    each.subject, %(tags)s,
    %(correlation_id)s, %(enqueued_by)s, %(parent_id)s, %(options)s, %(traceparent)s,
    clock_timestamp()
FROM unnest(
    %(ids)s::uuid[], %(args)s::text[], %(kwargs)s::text[], %(subjects)s::text[]
) AS each (id, args, kwargs, subject)

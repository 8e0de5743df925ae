-- Writes one job, unless one with the same id, the same slot or the same live unique key is there.
-- A job whose key another open transaction is writing waits for that transaction's end.
--   id, task, queue, args, kwargs, priority, unique_key, slot, subject, tags, correlation_id,
--   enqueued_by, parent_id, options, traceparent: as in tasks.models.Job
--   countdown: seconds from now, or null; eta: time, or null (then now)
--   lifetime: seconds from now, or null; expires_at: time, or null
-- Returns the id when written.
INSERT INTO tasks_job (
    id, task, queue, args, kwargs, priority, run_at, expires_at, unique_key, slot, subject, tags,
    correlation_id, enqueued_by, parent_id, options, traceparent, created_at
)
VALUES (
    %(id)s, %(task)s, %(queue)s, %(args)s, %(kwargs)s, %(priority)s,
    COALESCE(
        %(eta)s::timestamptz,
        clock_timestamp() + COALESCE(%(countdown)s::float8, 0) * interval '1 second'
    ),
    COALESCE(
        %(expires_at)s::timestamptz,
        clock_timestamp() + %(lifetime)s::float8 * interval '1 second'
    ),
    %(unique_key)s, %(slot)s, %(subject)s, %(tags)s,
    %(correlation_id)s, %(enqueued_by)s, %(parent_id)s, %(options)s, %(traceparent)s,
    clock_timestamp()
)
ON CONFLICT DO NOTHING
RETURNING id

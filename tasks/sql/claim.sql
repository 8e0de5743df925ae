-- Starts a queued job. The usual case, and the only statement a job needs before its body.
-- A claim lost with a crashed server is harmless (its message comes again), so it need not wait
-- for the disk; set_config(…, true) ends with this statement's own transaction.
--   id, worker, lease_s
UPDATE tasks_job
SET
    state = CASE
        WHEN cancel_requested THEN 'cancelled'
        WHEN expires_at <= clock_timestamp() THEN 'expired'
        ELSE 'running'
    END,
    finished_at = CASE
        WHEN cancel_requested OR expires_at <= clock_timestamp() THEN clock_timestamp()
    END,
    attempt = attempt + 1,
    worker = %(worker)s::text,
    started_at = clock_timestamp(),
    lease_until = clock_timestamp() + %(lease_s)s::float8 * interval '1 second'
WHERE id = %(id)s::uuid AND state = 'queued'
RETURNING
    state, attempt, failures, args::text, kwargs::text, correlation_id, options,
    extract(epoch FROM clock_timestamp() - created_at)::float8, subject, queue, traceparent,
    set_config('synchronous_commit', 'off', true)

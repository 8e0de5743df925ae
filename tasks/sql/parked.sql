-- queued → scheduled for a job whose message RabbitMQ gave up, or dead when that adds up to too
-- many crashes.
--   id, wait_s, crashed: whether it counts as one (0 or 1), max_crashes, error
UPDATE tasks_job
SET
    crashes = crashes + %(crashed)s,
    state = CASE WHEN crashes + %(crashed)s >= %(max_crashes)s THEN 'dead' ELSE 'scheduled' END,
    finished_at = CASE
        WHEN crashes + %(crashed)s >= %(max_crashes)s THEN clock_timestamp()
    END,
    run_at = clock_timestamp() + %(wait_s)s::float8 * interval '1 second',
    error = %(error)s
WHERE id = %(id)s AND state = 'queued'
RETURNING state

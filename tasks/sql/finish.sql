-- Ends my attempt, if it still is the newest, and writes its record.
-- Returns a row when it was; none when another attempt has taken the job over.
--   id, attempt: what the claim said
--   state: the job's next state; a retry or snooze of a job whose cancelling was asked for is
--     cancelled instead
--   outcome, error, traceback: for the attempt's record
--   wait_s: seconds until the next run, for state 'scheduled'
--   failed: whether it counts as a failure; result: JSON or null
--   lock_waits: JSON or null, for the attempt's record
--   wait_for_disk: whether the transaction's commit waits for it; see tasks.task.JobTask
WITH ended AS (
    UPDATE tasks_job
    SET
        state = CASE
            WHEN cancel_requested AND %(state)s::text = 'scheduled' THEN 'cancelled'
            ELSE %(state)s::text
        END,
        finished_at = CASE
            WHEN cancel_requested OR %(state)s::text <> 'scheduled' THEN clock_timestamp()
        END,
        run_at = CASE
            WHEN %(state)s::text = 'scheduled'
                THEN clock_timestamp() + %(wait_s)s::float8 * interval '1 second'
            ELSE run_at
        END,
        failures = failures + %(failed)s::int,
        lease_until = NULL,
        progress_done = COALESCE(%(progress_done)s::bigint, progress_done),
        progress_total = COALESCE(%(progress_total)s::bigint, progress_total),
        progress_note = COALESCE(%(progress_note)s::text, progress_note),
        result = %(result)s::jsonb,
        error = %(error)s::text,
        traceback = %(traceback)s::text
    WHERE id = %(id)s::uuid AND attempt = %(attempt)s::int AND state = 'running'
    RETURNING id, worker, started_at, state
)
INSERT INTO tasks_attempt (
    job_id, number, outcome, worker, started_at, finished_at, error, traceback, lock_waits
)
SELECT
    id, %(attempt)s::int, %(outcome)s::text, worker, started_at, clock_timestamp(),
    %(error)s::text, %(traceback)s::text, %(lock_waits)s::jsonb
FROM ended
RETURNING
    number,
    set_config(
        'synchronous_commit',
        CASE WHEN %(wait_for_disk)s::bool THEN current_setting('synchronous_commit') ELSE 'off' END,
        true
    )

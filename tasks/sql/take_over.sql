-- Ends an attempt that died without a word, by one conditional UPDATE, and writes its record.
-- It counts as a crash; a job that crashed too often is dead.
--   id: one job, or null for every job whose lease has lapsed (batch at the most)
--   redelivered: the broker gave the message back, so its worker or connection is gone for sure
--   next_state: 'queued' (a worker goes on with it at once, unless its queue is paused) or 'scheduled'
--     (the dispatcher does)
--   max_crashes, batch
WITH gone AS (
    SELECT
        job.id, job.attempt, job.worker, job.started_at,
        EXISTS (SELECT FROM tasks_pausedqueue AS paused WHERE paused.queue = job.queue) AS paused
    FROM tasks_job AS job
    WHERE job.state = 'running'
        AND (%(id)s::uuid IS NULL OR job.id = %(id)s::uuid)
        AND (job.lease_until <= clock_timestamp() OR (%(id)s::uuid IS NOT NULL AND %(redelivered)s))
    ORDER BY job.lease_until
    LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
), ended AS (
    UPDATE tasks_job AS job
    SET
        crashes = job.crashes + 1,
        state = CASE
            WHEN job.cancel_requested THEN 'cancelled'
            WHEN job.crashes + 1 >= %(max_crashes)s THEN 'dead'
            WHEN gone.paused THEN 'scheduled'
            ELSE %(next_state)s
        END,
        finished_at = CASE
            WHEN job.cancel_requested OR job.crashes + 1 >= %(max_crashes)s
                THEN clock_timestamp()
        END,
        run_at = clock_timestamp(),
        queued_at = clock_timestamp(),
        lease_until = NULL,
        error = 'The worker ' || gone.worker || ' vanished in attempt ' || gone.attempt
            || ' (crash ' || (job.crashes + 1) || ').'
    FROM gone
    WHERE job.id = gone.id
    RETURNING job.id, job.state, job.error
), recorded AS (
    INSERT INTO tasks_attempt (
        job_id, number, outcome, worker, started_at, finished_at, error, traceback
    )
    SELECT
        gone.id, gone.attempt, 'crashed', gone.worker, gone.started_at, clock_timestamp(),
        ended.error, ''
    FROM gone
    JOIN ended ON ended.id = gone.id
)
SELECT id, state FROM ended

-- Deletes old ended jobs and their attempts, a batch at a time so that no lock lasts long.
--   batch, finished_days, dead_days
WITH old AS (
    SELECT id
    FROM tasks_job
    WHERE (
            state IN ('succeeded', 'cancelled', 'expired', 'discarded')
            AND finished_at < now() - %(finished_days)s::float8 * interval '1 day'
        )
        OR (state = 'dead' AND finished_at < now() - %(dead_days)s::float8 * interval '1 day')
    LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
), attempts AS (
    DELETE FROM tasks_attempt USING old WHERE tasks_attempt.job_id = old.id
)
DELETE FROM tasks_job USING old WHERE tasks_job.id = old.id
RETURNING tasks_job.id

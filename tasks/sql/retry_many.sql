-- jobs.retry for many: dead, cancelled, expired or discarded → scheduled, counts at zero. Of several
-- with one unique key the newest goes, unless another live job has the key.
--   ids; before: only what ended before it, so that one that dies again meanwhile is left alone
WITH chosen AS (
    SELECT DISTINCT ON (COALESCE(job.unique_key, job.id::text)) job.id
    FROM tasks_job AS job
    WHERE job.id = ANY(%(ids)s)
        AND job.state IN ('dead', 'cancelled', 'expired', 'discarded')
        AND job.finished_at <= %(before)s
        AND NOT EXISTS (
            SELECT
            FROM tasks_job AS other
            WHERE other.unique_key = job.unique_key
                AND other.state IN ('scheduled', 'queued', 'running')
        )
    ORDER BY COALESCE(job.unique_key, job.id::text), job.created_at DESC
)
UPDATE tasks_job AS job
SET
    state = 'scheduled',
    run_at = clock_timestamp(),
    failures = 0,
    crashes = 0,
    cancel_requested = false,
    held = false,
    expires_at = NULL,
    finished_at = NULL
FROM chosen
WHERE job.id = chosen.id AND job.state IN ('dead', 'cancelled', 'expired', 'discarded')
RETURNING job.id

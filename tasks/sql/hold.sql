-- queued → scheduled and held for the jobs of paused queues. Their messages find nothing to run.
--   batch: how many at the most, or null
WITH waiting AS (
    SELECT job.id
    FROM tasks_pausedqueue AS paused
    JOIN tasks_job AS job ON job.queue = paused.queue AND job.state = 'queued'
    LIMIT %(batch)s
    FOR UPDATE OF job SKIP LOCKED
)
UPDATE tasks_job AS job
SET state = 'scheduled', held = true, queued_at = NULL
FROM waiting
WHERE job.id = waiting.id
RETURNING job.id

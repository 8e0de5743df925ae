-- Held jobs whose queue is not paused (any more) may be dispatched again.
-- Hops from queue to queue in the index of held jobs: those of a paused queue, however many, are not
-- walked over.
--   batch: how many at the most, or null
WITH RECURSIVE holding AS (
    (
        SELECT job.queue
        FROM tasks_job AS job
        WHERE job.state = 'scheduled' AND job.held
        ORDER BY job.queue
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT job.queue
        FROM tasks_job AS job
        WHERE job.state = 'scheduled' AND job.held AND job.queue > holding.queue
        ORDER BY job.queue
        LIMIT 1
    )
    FROM holding
    WHERE holding.queue IS NOT NULL
), held AS (
    SELECT job.id
    FROM tasks_job AS job
    WHERE job.state = 'scheduled'
        AND job.held
        AND job.queue IN (
            SELECT holding.queue
            FROM holding
            WHERE holding.queue IS NOT NULL
                AND NOT EXISTS (
                    SELECT FROM tasks_pausedqueue AS paused WHERE paused.queue = holding.queue
                )
        )
    LIMIT %(batch)s
    FOR UPDATE OF job SKIP LOCKED
)
UPDATE tasks_job AS job
SET held = false
FROM held
WHERE job.id = held.id
RETURNING job.id

-- running → queued (scheduled when its queue is paused) without a crash counted.
--   id, worker_prefix
UPDATE tasks_job
SET
    state = CASE
        WHEN EXISTS (SELECT FROM tasks_pausedqueue AS paused WHERE paused.queue = tasks_job.queue)
            THEN 'scheduled'
        ELSE 'queued'
    END,
    queued_at = clock_timestamp(),
    lease_until = NULL
WHERE id = %(id)s AND state = 'running' AND starts_with(worker, %(worker_prefix)s)
RETURNING id

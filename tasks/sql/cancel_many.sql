-- jobs.cancel for many: what has not started is cancelled, what runs is asked to stop.
--   ids
UPDATE tasks_job
SET
    state = CASE WHEN state = 'running' THEN state ELSE 'cancelled' END,
    finished_at = CASE WHEN state <> 'running' THEN clock_timestamp() END,
    cancel_requested = true
WHERE id = ANY(%(ids)s)
    AND (state IN ('scheduled', 'queued') OR (state = 'running' AND NOT cancel_requested))
RETURNING id

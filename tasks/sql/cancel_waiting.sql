-- Cancels every job of a queue that has not started.
--   queue
UPDATE tasks_job
SET state = 'cancelled', cancel_requested = true, finished_at = clock_timestamp()
WHERE queue = %(queue)s AND state IN ('scheduled', 'queued')
RETURNING id

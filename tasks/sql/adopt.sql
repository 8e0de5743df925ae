-- Writes a job for a message that did not come from the ledger, so that it is visible.
-- One for a paused queue waits as scheduled.
--   id, task, queue, args, kwargs; state: 'queued' (to be run) or 'dead' (can't be run)
--   error: why it can't be run
INSERT INTO tasks_job (
    id, task, queue, args, kwargs, state, error, enqueued_by, queued_at, finished_at
)
VALUES (
    %(id)s, %(task)s, %(queue)s, %(args)s, %(kwargs)s,
    CASE
        WHEN %(state)s = 'queued'
            AND EXISTS (SELECT FROM tasks_pausedqueue AS paused WHERE paused.queue = %(queue)s)
            THEN 'scheduled'
        ELSE %(state)s
    END,
    %(error)s, 'foreign message',
    clock_timestamp(), CASE WHEN %(state)s = 'dead' THEN clock_timestamp() END
)
ON CONFLICT DO NOTHING
RETURNING id

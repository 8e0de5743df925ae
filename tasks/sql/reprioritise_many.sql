-- jobs.reprioritise for many live jobs.
--   ids, priority
UPDATE tasks_job
SET priority = %(priority)s
WHERE id = ANY(%(ids)s)
    AND state IN ('scheduled', 'queued', 'running')
    AND priority <> %(priority)s
RETURNING id

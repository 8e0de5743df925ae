-- jobs.discard for many: dead → discarded.
--   ids; before: only what died before it
UPDATE tasks_job
SET state = 'discarded'
WHERE id = ANY(%(ids)s) AND state = 'dead' AND finished_at <= %(before)s
RETURNING id

-- A running job has a worker, an attempt and a lease.
SELECT 'job:' || j.id, 'a worker, an attempt, a start and a lease',
  format(
    'worker %%s, attempt %%s, started %%s, lease until %%s', COALESCE(NULLIF(j.worker, ''), 'none'),
    j.attempt, COALESCE(j.started_at::text, 'never'), COALESCE(j.lease_until::text, 'none')
  ),
  j.id, '', NULL::timestamptz
FROM tasks_job AS j
WHERE j.state = 'running'
  AND (j.lease_until IS NULL OR j.worker = '' OR j.started_at IS NULL OR j.attempt = 0)

-- Renews a running job's lease and writes its newest progress.
-- Returns cancel_requested; no row when the job is no longer this attempt's.
--   id, attempt, lease_s; progress_done, progress_total, progress_note: null leaves them alone
UPDATE tasks_job
SET
    lease_until = clock_timestamp() + %(lease_s)s::float8 * interval '1 second',
    progress_done = COALESCE(%(progress_done)s, progress_done),
    progress_total = COALESCE(%(progress_total)s, progress_total),
    progress_note = COALESCE(%(progress_note)s, progress_note)
WHERE id = %(id)s AND attempt = %(attempt)s AND state = 'running'
RETURNING cancel_requested

-- A job that ended has the time of its end, and one that is alive has none.
SELECT 'job:' || j.id,
  CASE WHEN j.finished_at IS NULL THEN 'the time of its end' ELSE 'no end yet' END,
  j.state || ', finished ' || COALESCE(j.finished_at::text, 'never'), j.id, '', j.finished_at
FROM tasks_job AS j
WHERE (j.state IN ('succeeded', 'dead', 'cancelled', 'expired') AND j.finished_at IS NULL)
  OR (j.state IN ('scheduled', 'queued', 'running') AND j.finished_at IS NOT NULL)

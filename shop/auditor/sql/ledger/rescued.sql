-- No running job is past its lease for longer than its rescue needs.
--
--   rescue_s: seconds that the dispatchers have for it
SELECT 'job:' || j.id, 'rescued within ' || %(rescue_s)s::float8 || ' s of its lease',
  'lease until ' || j.lease_until, j.id, '', j.lease_until
FROM tasks_job AS j
WHERE j.state = 'running'
  AND j.lease_until < statement_timestamp() - %(rescue_s)s::float8 * interval '1 second'

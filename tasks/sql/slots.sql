-- The newest jobs that the clock enqueued, for each of several schedules; from the unique index of
-- slots, which begin with their schedule's name.
--   names; since: as a slot's time is written; limit: at most for each schedule
SELECT wanted.name, job.id, job.state, job.created_at
FROM unnest(%(names)s::text[]) AS wanted (name)
CROSS JOIN LATERAL (
    SELECT id, state, created_at, slot
    FROM tasks_job
    WHERE slot >= wanted.name || '@' || %(since)s AND slot < wanted.name || '@3'
        -- The index's order may skip signs, and another's name may begin with this one.
        AND starts_with(slot, wanted.name || '@2')
        AND strpos(substr(slot, length(wanted.name) + 2), '@') = 0
    ORDER BY slot DESC
    LIMIT %(limit)s
) AS job
ORDER BY wanted.name, job.created_at

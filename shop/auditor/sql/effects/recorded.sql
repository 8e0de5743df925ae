-- An effect that is done has its result, and one that is settled the time of it.
--
--   effect_states: all that the model knows
SELECT 'effect:' || e.id, 'a known state, and of what is settled its time and result',
  format(
    '%%s %%s, settled %%s, %%s', e.key, e.state, COALESCE(e.settled_at::text, 'never'),
    CASE WHEN e.result IS NULL THEN 'no result' ELSE 'a result' END
  ),
  e.job_id, '', e.intended_at
FROM tasks_effect AS e
WHERE e.state <> ALL (%(effect_states)s::text[])
  OR e.state IN ('done', 'failed') AND e.settled_at IS NULL
  OR e.state = 'done' AND e.result IS NULL

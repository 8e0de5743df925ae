-- What a run would do, in sums: `inventory.policy.Plan`.
-- run_id, after, last, location
WITH merges AS NOT MATERIALIZED (
-- include: merges
)
SELECT
  (SELECT count(*) FROM inventory_syncrow WHERE run_id = %(run_id)s) AS rows,
  (SELECT count(*) FROM inventory_syncrow WHERE run_id = %(run_id)s AND error <> '') AS bad,
  count(*) AS skus,
  count(*) FILTER (WHERE verdict = 'merge' AND change <> 0) AS changed,
  count(*) FILTER (WHERE verdict = 'outdated') AS outdated,
  count(*) FILTER (WHERE verdict = 'below reserved') AS below,
  count(*) FILTER (WHERE on_hand > 0 AND on_hand + change = 0) AS zeroed,
  coalesce(sum(on_hand), 0)::bigint AS units_before,
  coalesce(sum(on_hand + change), 0)::bigint AS units_after
FROM merges

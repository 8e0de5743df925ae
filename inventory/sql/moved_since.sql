-- What really moved on each stock after its own moment, in units. Earlier syncs are left out: they
-- corrected the record, they moved nothing.
-- stock_ids, moments (as long)
SELECT f.stock_id, coalesce(sum(m.quantity), 0)::bigint
FROM unnest(%(stock_ids)s::bigint[], %(moments)s::timestamptz[]) AS f (stock_id, moment)
LEFT JOIN inventory_stockmovement AS m
  ON m.stock_id = f.stock_id AND m.created_at > f.moment AND m.kind <> 'synced'
GROUP BY f.stock_id

-- What the usable rows of a run, from one number to another, mean for the stock as it is now:
-- `inventory.snapshots.merge` for many. Other statements include it. Exact for rows that are locked;
-- for others it is what a merge would do at this moment.
-- run_id, after, last (numbers), location
SELECT
  r.number, r.line, r.sku, r.as_of, p.id AS product_id, s.id AS stock_id,
  coalesce(s.on_hand, 0) AS on_hand,
  promised.units AS reserved,
  CASE WHEN judged.verdict = 'merge' THEN meant.on_hand - coalesce(s.on_hand, 0) ELSE 0 END
    AS change,
  meant.on_hand AS meant,
  judged.verdict
FROM inventory_syncrow AS r
JOIN inventory_product AS p ON p.sku = r.sku
LEFT JOIN inventory_stock AS s ON s.product_id = p.id AND s.location = %(location)s
CROSS JOIN LATERAL (
  -- What really moved after the count. Earlier syncs corrected the record, they moved nothing.
  SELECT coalesce(sum(m.quantity), 0)::bigint AS units
  FROM inventory_stockmovement AS m
  WHERE m.stock_id = s.id AND m.created_at > r.as_of AND m.kind <> 'synced'
) AS moved
CROSS JOIN LATERAL (
  -- Expired reservations don't count, tidied or not.
  SELECT coalesce(s.reserved, 0) - coalesce(sum(h.quantity), 0)::bigint AS units
  FROM inventory_reservation AS h
  WHERE s.reserved > 0
    AND h.stock_id = s.id AND h.state = 'held' AND h.expires_at <= statement_timestamp()
) AS promised
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN r.as_of = s.as_of THEN least(r.quantity + moved.units, s.on_hand)
    ELSE r.quantity + moved.units
  END AS on_hand
) AS meant
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN r.as_of < s.as_of THEN 'outdated'
    WHEN meant.on_hand < promised.units THEN 'below reserved'
    ELSE 'merge'
  END AS verdict
) AS judged
WHERE r.run_id = %(run_id)s
  AND r.number > %(after)s AND r.number <= %(last)s
  AND r.error = ''

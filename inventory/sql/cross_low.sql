-- Note each product that has fallen to its limit and is not noted yet. Answers the new alerts.
-- Expired reservations count as free, as for everybody.
INSERT INTO inventory_lowstockalert (product_id, units, limit_units, crossed_at)
SELECT p.id, level.units, p.low_stock_at, statement_timestamp()
FROM inventory_product AS p
CROSS JOIN LATERAL (
  SELECT coalesce(sum(s.on_hand - s.reserved), 0)::bigint + coalesce((
    SELECT sum(r.quantity)
    FROM inventory_reservation AS r
    JOIN inventory_stock AS rs ON rs.id = r.stock_id
    WHERE rs.product_id = p.id AND r.state = 'held' AND r.expires_at <= statement_timestamp()
  ), 0)::bigint AS units
  FROM inventory_stock AS s
  WHERE s.product_id = p.id
) AS level
WHERE p.low_stock_at IS NOT NULL AND p.is_active AND level.units <= p.low_stock_at
ORDER BY p.id
ON CONFLICT (product_id) WHERE recovered_at IS NULL DO NOTHING
RETURNING id

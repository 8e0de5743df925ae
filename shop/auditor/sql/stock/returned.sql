-- What came back by reservation is what came back by movements.
SELECT
  CASE WHEN reference ~ '^order:[0-9]+$' THEN reference ELSE 'stock:' || stock_id END,
  COALESCE(promised.units, 0) || ' units of stock ' || stock_id || ' returned by the reservation',
  COALESCE(moved.units, 0) || ' by returned movements', newest.job_id, reference, newest.created_at
FROM (
  SELECT reference, stock_id, returned AS units FROM inventory_reservation WHERE returned > 0
) AS promised
FULL JOIN (
  SELECT reference, stock_id, sum(quantity) AS units
  FROM inventory_stockmovement
  WHERE kind = 'returned'
  GROUP BY reference, stock_id
) AS moved USING (reference, stock_id)
LEFT JOIN LATERAL (
  SELECT m.job_id, m.created_at
  FROM inventory_stockmovement AS m
  WHERE m.reference = COALESCE(promised.reference, moved.reference)
  ORDER BY m.id DESC
  LIMIT 1
) AS newest ON true
WHERE COALESCE(promised.units, 0) <> COALESCE(moved.units, 0)

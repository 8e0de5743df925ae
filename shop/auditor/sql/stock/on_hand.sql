-- What is on hand is the sum of the stock's movements.
SELECT 'stock:' || s.id, COALESCE(moved.units, 0) || ' units by its movements',
  s.on_hand || ' units on hand', newest.job_id, newest.reference, newest.created_at
FROM inventory_stock AS s
LEFT JOIN (
  SELECT stock_id, sum(quantity) AS units FROM inventory_stockmovement GROUP BY stock_id
) AS moved ON moved.stock_id = s.id
LEFT JOIN LATERAL (
  SELECT m.job_id, m.reference, m.created_at
  FROM inventory_stockmovement AS m
  WHERE m.stock_id = s.id
  ORDER BY m.created_at DESC, m.id DESC
  LIMIT 1
) AS newest ON true
WHERE s.on_hand <> COALESCE(moved.units, 0)

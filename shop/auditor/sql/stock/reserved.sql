-- What is reserved is the sum of the held reservations.
--
-- Expired ones count until somebody lets them go: `reserved` is lowered in the same statement.
SELECT 'stock:' || s.id, COALESCE(held.units, 0) || ' units in held reservations',
  s.reserved || ' units reserved', NULL::uuid, newest.reference, newest.changed_at
FROM inventory_stock AS s
LEFT JOIN (
  SELECT stock_id, sum(quantity) AS units
  FROM inventory_reservation
  WHERE state = 'held'
  GROUP BY stock_id
) AS held ON held.stock_id = s.id
LEFT JOIN LATERAL (
  SELECT r.reference, COALESCE(r.settled_at, r.created_at) AS changed_at
  FROM inventory_reservation AS r
  WHERE r.stock_id = s.id
  ORDER BY changed_at DESC, r.id DESC
  LIMIT 1
) AS newest ON true
WHERE s.reserved <> COALESCE(held.units, 0)

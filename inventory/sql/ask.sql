-- Write down that a reference wants these units, for whoever decides next; all of them or, when a
-- product has no stock row or the reference is known already, none.
-- reference, product_ids, quantities (as long), location
WITH wish AS (
  SELECT s.id AS stock_id, w.quantity
  FROM unnest(%(product_ids)s::bigint[], %(quantities)s::bigint[]) AS w (product_id, quantity)
  JOIN inventory_stock AS s ON s.product_id = w.product_id AND s.location = %(location)s
)
INSERT INTO inventory_reservation
  (reference, stock_id, quantity, returned, state, created_at, expires_at)
SELECT %(reference)s, stock_id, quantity, 0, 'asked', statement_timestamp(), statement_timestamp()
FROM wish
WHERE (SELECT count(*) FROM wish) = cardinality(%(product_ids)s::bigint[])
  AND NOT EXISTS (SELECT 1 FROM inventory_reservation WHERE reference = %(reference)s)
ORDER BY stock_id
ON CONFLICT (reference, stock_id) DO NOTHING

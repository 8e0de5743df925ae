-- What a reference holds can be promised to others again. Its stock rows are locked.
-- reference
WITH gone AS (
  UPDATE inventory_reservation
  SET state = 'released', settled_at = statement_timestamp()
  WHERE reference = %(reference)s AND state = 'held'
  RETURNING stock_id, quantity
)
UPDATE inventory_stock AS s
SET reserved = s.reserved - gone.quantity
FROM gone
WHERE s.id = gone.stock_id
RETURNING s.product_id

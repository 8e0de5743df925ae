-- What a reference holds can be promised to others again, and what it asked for is not wanted any
-- more. Its stock rows are locked.
-- reference
WITH mine AS (
  SELECT id, CASE WHEN state = 'held' THEN quantity ELSE 0 END AS units
  FROM inventory_reservation
  WHERE reference = %(reference)s AND state IN ('asked', 'held')
), gone AS (
  UPDATE inventory_reservation AS r
  SET state = 'released', settled_at = statement_timestamp()
  FROM mine
  WHERE r.id = mine.id
  RETURNING r.stock_id, mine.units
)
UPDATE inventory_stock AS s
SET reserved = s.reserved - gone.units
FROM gone
WHERE s.id = gone.stock_id AND gone.units > 0
RETURNING s.product_id

-- Release the expired reservations of stock rows that this transaction has locked.
-- stock_ids
WITH gone AS (
  UPDATE inventory_reservation
  SET state = 'released', settled_at = statement_timestamp()
  WHERE stock_id = ANY (%(stock_ids)s::bigint[])
    AND state = 'held'
    AND expires_at <= statement_timestamp()
  RETURNING stock_id, quantity
), freed AS (
  SELECT stock_id, sum(quantity)::bigint AS units, count(*) AS reservations
  FROM gone
  GROUP BY stock_id
)
UPDATE inventory_stock AS s
SET reserved = s.reserved - freed.units
FROM freed
WHERE s.id = freed.stock_id
RETURNING s.id, s.product_id, freed.units, freed.reservations

-- Lock the products' stock rows in pk order, the order of everybody.
-- NO KEY: rows that refer to a stock (movements, reservations) may be written meanwhile.
-- Answers also whether some of what is reserved has expired.
-- product_ids, location
SELECT s.id, s.product_id, s.on_hand, s.reserved, s.as_of, EXISTS (
  SELECT 1
  FROM inventory_reservation AS r
  WHERE r.stock_id = s.id AND r.state = 'held' AND r.expires_at <= statement_timestamp()
)
FROM inventory_stock AS s
WHERE s.product_id = ANY (%(product_ids)s::bigint[]) AND s.location = %(location)s::text
ORDER BY s.id
FOR NO KEY UPDATE

-- What can be promised now of each product. Expired reservations don't count, tidied or not.
-- product_ids, location
SELECT s.product_id, s.on_hand - s.reserved + coalesce(expired.units, 0)
FROM inventory_stock AS s
LEFT JOIN LATERAL (
  SELECT sum(r.quantity) AS units
  FROM inventory_reservation AS r
  WHERE r.stock_id = s.id AND r.state = 'held' AND r.expires_at <= statement_timestamp()
) AS expired ON true
WHERE s.product_id = ANY (%(product_ids)s::bigint[]) AND s.location = %(location)s

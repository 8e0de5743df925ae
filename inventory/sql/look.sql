-- How the reservations of a reference stand; what it still holds gets a new time to live on the way.
-- No lock is needed: only who holds the stock row's lock lets an expired one go, and whichever of
-- the two comes second sees what the first has written.
-- reference, ttl_s
WITH prolonged AS (
  UPDATE inventory_reservation
  SET expires_at = statement_timestamp() + make_interval(secs => %(ttl_s)s::float8)
  WHERE reference = %(reference)s::text AND state = 'held' AND expires_at > statement_timestamp()
  RETURNING id
)
SELECT s.product_id, r.quantity,
  CASE WHEN r.state = 'held' AND prolonged.id IS NULL THEN 'released' ELSE r.state END
FROM inventory_reservation AS r
JOIN inventory_stock AS s ON s.id = r.stock_id
LEFT JOIN prolonged ON prolonged.id = r.id
WHERE r.reference = %(reference)s::text

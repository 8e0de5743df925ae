-- Promise units and record to whom, in one statement. Answers the stocks that were written; one
-- is missing when a newer lock holder has written it (or it lacks the units).
-- stock_ids, quantities (as long), reference, ttl_s, token
WITH wish AS (
  SELECT * FROM unnest(%(stock_ids)s::bigint[], %(quantities)s::bigint[]) AS w (stock_id, quantity)
), promised AS (
  UPDATE inventory_stock AS s
  SET reserved = s.reserved + wish.quantity, fence = %(token)s
  FROM wish
  WHERE s.id = wish.stock_id
    AND s.fence <= %(token)s
    AND s.on_hand - s.reserved >= wish.quantity
  RETURNING s.id, wish.quantity
)
INSERT INTO inventory_reservation AS r
  (reference, stock_id, quantity, returned, state, created_at, expires_at)
SELECT %(reference)s, promised.id, promised.quantity, 0, 'held', statement_timestamp(),
  statement_timestamp() + make_interval(secs => %(ttl_s)s)
FROM promised
ON CONFLICT (reference, stock_id) DO UPDATE
SET state = 'held', expires_at = excluded.expires_at, settled_at = NULL
WHERE r.state = 'released'
RETURNING r.stock_id

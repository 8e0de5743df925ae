-- Promise units and record to whom, in one statement. Answers a row for each wish that was written;
-- those of a stock are missing when a newer lock holder has written it (or it lacks the units).
-- references, stock_ids, quantities, ttls_s (as long each), token
WITH wish AS (
  SELECT *
  FROM unnest(
    %(references)s::text[], %(stock_ids)s::bigint[], %(quantities)s::bigint[], %(ttls_s)s::float8[]
  ) AS w (reference, stock_id, quantity, ttl_s)
), promised AS (
  UPDATE inventory_stock AS s
  SET reserved = s.reserved + total.quantity, fence = %(token)s::bigint
  FROM (SELECT stock_id, sum(quantity)::bigint AS quantity FROM wish GROUP BY stock_id) AS total
  WHERE s.id = total.stock_id
    AND s.fence <= %(token)s::bigint
    AND s.on_hand - s.reserved >= total.quantity
  RETURNING s.id
)
INSERT INTO inventory_reservation AS r
  (reference, stock_id, quantity, returned, state, created_at, expires_at)
SELECT wish.reference, wish.stock_id, wish.quantity, 0, 'held', statement_timestamp(),
  statement_timestamp() + make_interval(secs => wish.ttl_s)
FROM wish
JOIN promised ON promised.id = wish.stock_id
ON CONFLICT (reference, stock_id) DO UPDATE
SET state = 'held', expires_at = excluded.expires_at, settled_at = NULL
WHERE r.state IN ('asked', 'released')
RETURNING r.stock_id

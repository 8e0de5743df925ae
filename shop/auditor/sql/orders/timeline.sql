-- An order's timeline tells each thing that happened to it once, and nothing else.
WITH told AS (
  SELECT order_id,
    count(*) FILTER (WHERE kind = 'placed') AS placed,
    count(*) FILTER (WHERE kind = 'reserved') AS reserved,
    count(*) FILTER (WHERE kind = 'charged') AS charged,
    count(*) FILTER (WHERE kind = 'confirmed') AS confirmed,
    count(*) FILTER (WHERE kind = 'failed') AS failed,
    count(*) FILTER (WHERE kind = 'cancelled') AS cancelled,
    count(*) FILTER (WHERE kind = 'refunded') AS refunded
  FROM orders_orderevent
  GROUP BY order_id
), judged AS (
  SELECT o.id, o.state, p.state AS payment, told.*,
    CASE
      WHEN told.order_id IS NULL OR told.placed <> 1 THEN 'placed once'
      WHEN told.reserved <> 1 AND o.state IN ('reserved', 'confirmed', 'refunded')
        OR told.reserved > 1 OR told.reserved > 0 AND o.state = 'placed' THEN 'reserved once'
      WHEN told.charged <> (p.state IN ('captured', 'refunded'))::int THEN 'charged if it was'
      WHEN told.confirmed <> 1 AND o.state IN ('confirmed', 'refunded')
        OR told.confirmed <> 0 AND o.state IN ('placed', 'reserved', 'failed')
        OR told.confirmed > 1 THEN 'confirmed if it was'
      WHEN told.failed <> (o.state = 'failed')::int THEN 'failed if it did'
      WHEN told.cancelled <> (o.state = 'cancelled')::int THEN 'cancelled if it was'
      WHEN told.refunded <> (p.state = 'refunded')::int THEN 'refunded if it was'
    END AS expected
  FROM orders_order AS o
  JOIN orders_payment AS p ON p.order_id = o.id
  LEFT JOIN told ON told.order_id = o.id
)
SELECT 'order:' || judged.id, 'told as ' || expected || ' (' || state || ', ' || payment || ')',
  format(
    'placed %%s, reserved %%s, charged %%s, confirmed %%s, failed %%s, cancelled %%s, refunded %%s',
    placed, reserved, charged, confirmed, failed, cancelled, refunded
  ), newest.job_id, 'order:' || judged.id, newest.created_at
FROM judged
LEFT JOIN LATERAL (
  SELECT e.job_id, e.created_at
  FROM orders_orderevent AS e
  WHERE e.order_id = judged.id
  ORDER BY e.id DESC
  LIMIT 1
) AS newest ON true
WHERE expected IS NOT NULL

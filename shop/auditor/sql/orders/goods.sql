-- An order's state, its lines and its reservations go together.
--
-- Of an order that ended, a run that overlapped may still hold goods; its own job lets them go.
-- What has expired is let go by whoever comes next.
WITH line AS (
  SELECT 'order:' || o.id AS reference, l.product_id, o.state, sum(l.quantity) AS units
  FROM orders_order AS o
  JOIN orders_orderline AS l ON l.order_id = o.id
  GROUP BY o.id, l.product_id
), promise AS (
  SELECT r.reference, s.product_id, sum(r.quantity) AS units, sum(r.returned) AS returned,
    COALESCE(sum(r.quantity) FILTER (WHERE r.state = 'committed'), 0) AS sold,
    COALESCE(
      sum(r.quantity) FILTER (WHERE r.state = 'held' AND r.expires_at > statement_timestamp()), 0
    ) AS held
  FROM inventory_reservation AS r
  JOIN inventory_stock AS s ON s.id = r.stock_id
  WHERE r.reference LIKE 'order:%%'
  GROUP BY r.reference, s.product_id
), judged AS (
  SELECT reference, product_id, line.state, line.units AS ordered,
    promise.units, promise.returned, promise.sold, promise.held,
    CASE
      WHEN line.state IS NULL THEN 'no reservation of what was not ordered'
      WHEN promise.units IS NULL AND line.state IN ('reserved', 'confirmed', 'refunded')
        THEN 'a reservation'
      WHEN promise.units <> line.units THEN 'as many reserved as ordered'
      WHEN line.state IN ('confirmed', 'refunded')
        AND (promise.sold <> line.units OR promise.returned <> 0) THEN 'all sold, none returned'
      WHEN line.state IN ('placed', 'reserved', 'failed') AND promise.sold > 0 THEN 'nothing sold'
      WHEN line.state = 'cancelled' AND promise.sold > 0 AND promise.returned <> line.units
        THEN 'all returned'
      WHEN line.state IN ('failed', 'cancelled', 'refunded') AND promise.held > 0
        AND NOT EXISTS (
          SELECT 1
          FROM tasks_job AS job
          WHERE job.subject = reference AND job.subject <> ''
            AND job.state IN ('scheduled', 'queued', 'running')
        ) THEN 'nothing held'
    END AS expected
  FROM line
  FULL JOIN promise USING (reference, product_id)
)
SELECT reference,
  expected || ', product ' || product_id || ', ' || COALESCE(state, 'no order') || ' '
    || COALESCE(ordered, 0),
  format(
    '%%s reserved for %%s: %%s held, %%s sold, %%s returned',
    COALESCE(units, 0), reference, COALESCE(held, 0), COALESCE(sold, 0), COALESCE(returned, 0)
  ),
  NULL::uuid, reference, NULL::timestamptz
FROM judged
WHERE expected IS NOT NULL

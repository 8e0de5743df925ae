-- An order's total is the sum of its lines, and it has lines.
SELECT 'order:' || o.id, COALESCE(line.minor, 0) || ' minor units in its lines',
  o.total_minor || ' in its total', NULL::uuid, 'order:' || o.id, o.placed_at
FROM orders_order AS o
LEFT JOIN (
  SELECT order_id, sum(unit_price_minor * quantity) AS minor FROM orders_orderline GROUP BY order_id
) AS line ON line.order_id = o.id
WHERE line.minor IS DISTINCT FROM o.total_minor

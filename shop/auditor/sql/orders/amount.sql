-- An order has one payment, of its total in its currency.
SELECT 'order:' || o.id, 'a payment of ' || o.total_minor || ' ' || o.currency,
  COALESCE(p.amount_minor || ' ' || p.currency, 'no payment'), NULL::uuid, 'order:' || o.id,
  o.placed_at
FROM orders_order AS o
LEFT JOIN orders_payment AS p ON p.order_id = o.id
WHERE p.amount_minor IS DISTINCT FROM o.total_minor OR p.currency IS DISTINCT FROM o.currency

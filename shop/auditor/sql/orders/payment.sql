-- An order's state and its payment's state go together.
--
-- States that are new in the models are not judged; states that no model knows are wrong.
--   order_states, payment_states: all that the models know
SELECT 'order:' || o.id, COALESCE('a payment that is ' || possible.names, 'a state that exists'),
  'the order is ' || o.state || ', the payment ' || p.state, NULL::uuid, 'order:' || o.id,
  o.updated_at
FROM orders_order AS o
JOIN orders_payment AS p ON p.order_id = o.id
LEFT JOIN (
  VALUES
    ('placed', ARRAY['pending'], 'pending'),
    ('reserved', ARRAY['pending', 'charging', 'captured'], 'pending, charging or captured'),
    ('confirmed', ARRAY['captured'], 'captured'),
    ('failed', ARRAY['charging', 'captured', 'refused', 'refunded', 'void'], 'not pending'),
    ('cancelled', ARRAY['charging', 'captured', 'refused', 'refunded', 'void'], 'not pending'),
    ('refunded', ARRAY['refunded'], 'refunded')
) AS possible (state, payments, names) ON possible.state = o.state
WHERE o.state <> ALL (%(order_states)s::text[])
  OR p.state <> ALL (%(payment_states)s::text[])
  OR (
    p.state IN ('pending', 'charging', 'captured', 'refused', 'refunded', 'void')
    AND p.state <> ALL (possible.payments)
  )

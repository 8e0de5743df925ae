-- Confirmed orders as the shop would have left them: three lines each over a thousand products,
-- five events, two jobs with their attempts, two effects, and a charge in the provider's books.
--   orders: how many
WITH product AS (
  INSERT INTO inventory_product
    (id, sku, name, description, price_minor, currency, is_active, created_at, updated_at)
  SELECT n, 'SKU-' || n, 'Mug ' || n, '', 250, 'GBP', true, now(), now()
  FROM generate_series(1, 1000) AS n
), line AS (
  SELECT o, (o * 3 + n) %% 1000 + 1 AS product, o %% 5 + 1 AS quantity
  FROM generate_series(1, %(orders)s) AS o, generate_series(0, 2) AS n
), stock AS (
  INSERT INTO inventory_stock (id, product_id, location, on_hand, reserved, fence)
  SELECT n, n, 'main', 1000000, 0, 0 FROM generate_series(1, 1000) AS n
), delivery AS (
  INSERT INTO inventory_stockmovement
    (stock_id, kind, quantity, reference, note, actor, job_id, created_at)
  SELECT n, 'received', 1000000 + COALESCE(sold.units, 0), 'delivery:1', '', '', NULL, now()
  FROM generate_series(1, 1000) AS n
  LEFT JOIN (SELECT product, sum(quantity) AS units FROM line GROUP BY product) AS sold
    ON sold.product = n
), sale AS (
  INSERT INTO inventory_stockmovement
    (stock_id, kind, quantity, reference, note, actor, job_id, created_at)
  SELECT product, 'sold', -quantity, 'order:' || o, '', '', md5('checkout' || o)::uuid, now()
  FROM line
), promise AS (
  INSERT INTO inventory_reservation
    (reference, stock_id, quantity, returned, state, expires_at, created_at, settled_at)
  SELECT 'order:' || o, product, quantity, 0, 'committed', now(), now(), now() FROM line
), placed AS (
  INSERT INTO orders_order (
    id, code, state, email, currency, total_minor, payment_method, source, failure, placed_at,
    updated_at
  )
  SELECT o, md5('code' || o), 'confirmed', 'ann@shop.example', 'GBP', sum(quantity) * 250, 'pm_ok',
    '', '', now(), now()
  FROM line
  GROUP BY o
  RETURNING id, total_minor
), ordered AS (
  INSERT INTO orders_orderline (order_id, product_id, sku, name, unit_price_minor, quantity)
  SELECT o, product, 'SKU-' || product, 'Mug ' || product, 250, quantity FROM line
), payment AS (
  INSERT INTO orders_payment
    (order_id, state, amount_minor, currency, provider, provider_reference, asked_at, captured_at)
  SELECT id, 'captured', total_minor, 'GBP', 'sandbox', 'ch_' || id, now(), now() FROM placed
), event AS (
  INSERT INTO orders_orderevent (order_id, kind, message, job_id, actor, created_at)
  SELECT id, kind, kind, CASE WHEN kind <> 'placed' THEN md5('checkout' || id)::uuid END, '', now()
  FROM placed, unnest(ARRAY['placed', 'reserved', 'charged', 'confirmed', 'email_sent']) AS kind
), job AS (
  INSERT INTO tasks_job (
    id, task, queue, args, kwargs, state, attempt, subject, parent_id, worker, started_at,
    finished_at
  )
  SELECT md5(name || placed.id)::uuid, task, queue, jsonb_build_array(placed.id), kwargs::jsonb,
    'succeeded', 1, 'order:' || placed.id,
    CASE WHEN name = 'mail' THEN md5('checkout' || placed.id)::uuid END, 'w@here:1', now(), now()
  FROM placed, (VALUES
    ('checkout', 'orders.advance_checkout', 'checkout', '{}'),
    ('mail', 'orders.send_email', 'email', '{"kind": "confirmation", "again": false}')
  ) AS task (name, task, queue, kwargs)
  RETURNING id
), attempt AS (
  INSERT INTO tasks_attempt
    (job_id, number, outcome, worker, started_at, finished_at, error, traceback)
  SELECT id, 1, 'succeeded', 'w@here:1', now(), now(), '', '' FROM job
), effect AS (
  INSERT INTO tasks_effect (
    key, kind, state, fingerprint, result, error, tries, job_id, created_at, intended_at, settled_at
  )
  SELECT 'order:' || id || suffix, kind, 'done', '', jsonb_build_object(
      'state', 'succeeded', 'amount_minor', total_minor, 'currency', 'GBP', 'reference', 'ch_' || id
    ), '', 1, md5(job || id)::uuid, now(), now(), now()
  FROM placed, (VALUES
    (':charge', 'charge', 'checkout'), (':email:confirmation', 'email', 'mail')
  ) AS made (suffix, kind, job)
)
INSERT INTO sandbox_charge (
  reference, key, state, amount_minor, refunded_minor, currency, payment_method, description,
  message, created_at
)
SELECT 'ch_' || id, 'order:' || id || ':charge', 'succeeded', total_minor, 0, 'GBP', 'pm_ok', '', '',
  now()
FROM placed

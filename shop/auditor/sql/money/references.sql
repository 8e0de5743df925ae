-- No two orders were paid by one charge.
SELECT 'order:' || p.order_id, 'a charge of its own',
  'the charge ' || p.provider_reference || ' paid for several orders', NULL::uuid,
  'order:' || p.order_id, p.captured_at
FROM orders_payment AS p
JOIN (
  SELECT provider, provider_reference
  FROM orders_payment
  WHERE provider_reference <> ''
  GROUP BY provider, provider_reference
  HAVING count(*) > 1
) AS shared USING (provider, provider_reference)

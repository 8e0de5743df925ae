-- Close the alerts of products that are above their limit again, or have none any more.
UPDATE inventory_lowstockalert AS a
SET recovered_at = statement_timestamp()
FROM inventory_product AS p
WHERE p.id = a.product_id
  AND a.recovered_at IS NULL
  AND (
    p.low_stock_at IS NULL OR NOT p.is_active
    OR p.low_stock_at < (
      SELECT coalesce(sum(s.on_hand - s.reserved), 0) FROM inventory_stock AS s
      WHERE s.product_id = p.id
    )
  )
RETURNING a.id

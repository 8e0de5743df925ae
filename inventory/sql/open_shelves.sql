-- Give products that have no stock row an empty one.
-- product_ids, location
INSERT INTO inventory_stock (product_id, location, on_hand, reserved, fence)
SELECT p.id, %(location)s, 0, 0, 0
FROM inventory_product AS p
WHERE p.id = ANY (%(product_ids)s::bigint[])
  AND NOT EXISTS (
    SELECT 1 FROM inventory_stock AS s WHERE s.product_id = p.id AND s.location = %(location)s
  )
ORDER BY p.id
ON CONFLICT DO NOTHING
RETURNING id

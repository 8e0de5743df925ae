-- `lock_shelves`, for whoever needs little of them.
-- product_ids, location
SELECT id, reserved
FROM inventory_stock
WHERE product_id = ANY (%(product_ids)s::bigint[]) AND location = %(location)s
ORDER BY id
FOR NO KEY UPDATE

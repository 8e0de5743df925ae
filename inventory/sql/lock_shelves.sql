-- Lock the products' stock rows in pk order, the order of everybody.
-- NO KEY: rows that refer to a stock (movements, reservations) may be written meanwhile.
-- product_ids, location
SELECT id, product_id, on_hand, reserved, as_of
FROM inventory_stock
WHERE product_id = ANY (%(product_ids)s::bigint[]) AND location = %(location)s
ORDER BY id
FOR NO KEY UPDATE

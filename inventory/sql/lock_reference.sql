-- Lock the stock rows of a reference's reservations in pk order, the order of everybody.
-- reference
SELECT s.id
FROM inventory_stock AS s
WHERE s.id IN (SELECT r.stock_id FROM inventory_reservation AS r WHERE r.reference = %(reference)s)
ORDER BY s.id
FOR NO KEY UPDATE

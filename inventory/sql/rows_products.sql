-- The products of a chunk's usable rows.
-- run_id, after, last
SELECT p.id
FROM inventory_syncrow AS r
JOIN inventory_product AS p ON p.sku = r.sku
WHERE r.run_id = %(run_id)s AND r.number > %(after)s AND r.number <= %(last)s AND r.error = ''

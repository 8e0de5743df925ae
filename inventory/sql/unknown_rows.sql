-- Rows whose SKU is no product's can't be used.
-- run_id
UPDATE inventory_syncrow AS r
SET error = 'no product has this SKU'
WHERE r.run_id = %(run_id)s AND r.error = ''
  AND NOT EXISTS (SELECT 1 FROM inventory_product AS p WHERE p.sku = r.sku)

-- Rows of a merged chunk whose product was deleted since they were checked can't be used.
-- run_id, after, last
UPDATE inventory_syncrow
SET error = 'no product has this SKU'
WHERE run_id = %(run_id)s AND number > %(after)s AND number <= %(last)s
  AND error = '' AND verdict = ''
RETURNING number

-- Delete the rows of a supplier's ended runs, but for the newest of them.
-- supplier_id, keep (runs)
DELETE FROM inventory_syncrow
WHERE run_id IN (
  SELECT id
  FROM inventory_syncrun
  WHERE supplier_id = %(supplier_id)s AND state IN ('done', 'rejected', 'failed')
  ORDER BY id DESC
  OFFSET %(keep)s
)

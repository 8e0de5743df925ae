-- Lock stock rows with expired reservations, the longest expired first, in pk order. Rows that
-- somebody else is at are skipped: whoever reserves there lets the expired go anyway.
-- limit
SELECT s.id
FROM inventory_stock AS s
WHERE s.id IN (
  SELECT stock_id
  FROM inventory_reservation
  WHERE state = 'held' AND expires_at <= statement_timestamp()
  ORDER BY expires_at
  LIMIT %(limit)s
)
ORDER BY s.id
FOR NO KEY UPDATE SKIP LOCKED

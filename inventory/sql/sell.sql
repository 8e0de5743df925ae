-- What a reference holds leaves the shelves. Its stock rows are locked.
-- reference, job_id
WITH sold AS (
  UPDATE inventory_reservation
  SET state = 'committed', settled_at = statement_timestamp()
  WHERE reference = %(reference)s AND state = 'held'
  RETURNING stock_id, quantity
), taken AS (
  UPDATE inventory_stock AS s
  SET on_hand = s.on_hand - sold.quantity, reserved = s.reserved - sold.quantity
  FROM sold
  WHERE s.id = sold.stock_id
  RETURNING s.id, s.product_id, sold.quantity
), moved AS (
  INSERT INTO inventory_stockmovement
    (stock_id, kind, quantity, reference, note, actor, job_id, created_at)
  SELECT id, 'sold', -quantity, %(reference)s, '', '', %(job_id)s, statement_timestamp()
  FROM taken
)
SELECT product_id FROM taken

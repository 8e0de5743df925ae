-- Units that a reference had bought come back to the shelves. Its stock rows are locked.
-- reference, stock_ids, units (as long, each > 0), actor, job_id
WITH back AS (
  UPDATE inventory_reservation AS r
  SET returned = r.returned + w.units
  FROM unnest(%(stock_ids)s::bigint[], %(units)s::bigint[]) AS w (stock_id, units)
  WHERE r.reference = %(reference)s
    AND r.stock_id = w.stock_id
    AND r.state = 'committed'
    AND r.returned + w.units <= r.quantity
  RETURNING r.stock_id, w.units
), put AS (
  UPDATE inventory_stock AS s
  SET on_hand = s.on_hand + back.units
  FROM back
  WHERE s.id = back.stock_id
  RETURNING s.id, s.product_id, back.units
), moved AS (
  INSERT INTO inventory_stockmovement
    (stock_id, kind, quantity, reference, note, actor, job_id, created_at)
  SELECT id, 'returned', units, %(reference)s, '', %(actor)s, %(job_id)s, statement_timestamp()
  FROM put
)
SELECT product_id, units FROM put

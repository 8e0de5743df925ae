-- Change on_hand and record why. Answers the movement's id, or nothing when a newer lock holder
-- has written the row (or less would be left than is promised).
-- stock_id, quantity (signed, not 0), token, kind, reference, note, actor, job_id
WITH moved AS (
  UPDATE inventory_stock
  SET on_hand = on_hand + %(quantity)s, fence = %(token)s
  WHERE id = %(stock_id)s AND fence <= %(token)s AND on_hand + %(quantity)s >= reserved
  RETURNING id
)
INSERT INTO inventory_stockmovement
  (stock_id, kind, quantity, reference, note, actor, job_id, created_at)
SELECT id, %(kind)s, %(quantity)s, %(reference)s, %(note)s, %(actor)s, %(job_id)s,
  statement_timestamp()
FROM moved
RETURNING id

-- Merge snapshots into locked stock rows: change on_hand, record why, remember the snapshots' times.
-- Answers the stocks that were written; one is missing when a newer lock holder has written it.
-- stock_ids, changes (signed units, 0 allowed), moments (as long each), token, reference, job_id
WITH merged AS (
  UPDATE inventory_stock AS s
  SET on_hand = s.on_hand + f.change, as_of = f.moment, fence = %(token)s
  FROM unnest(%(stock_ids)s::bigint[], %(changes)s::bigint[], %(moments)s::timestamptz[])
    AS f (stock_id, change, moment)
  WHERE s.id = f.stock_id AND s.fence <= %(token)s AND s.on_hand + f.change >= s.reserved
  RETURNING s.id, f.change
), moved AS (
  INSERT INTO inventory_stockmovement
    (stock_id, kind, quantity, reference, note, actor, job_id, created_at)
  SELECT id, 'synced', change, %(reference)s, '', '', %(job_id)s, statement_timestamp()
  FROM merged
  WHERE change <> 0
)
SELECT id FROM merged

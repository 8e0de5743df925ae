-- Merge the rows of one chunk into their locked stocks, record why each changed and, in the rows,
-- what became of them. Answers one row: how many were to be merged and how many were (fewer when a
-- newer lock holder has written one), the tally, and the products whose units changed.
-- run_id, after, last, location, opened (stocks made for this chunk), token, reference, job_id
WITH merges AS MATERIALIZED (
-- include: merges
), merged AS (
  UPDATE inventory_stock AS s
  SET on_hand = s.on_hand + m.change, as_of = m.as_of, fence = %(token)s
  FROM merges AS m
  WHERE m.verdict = 'merge'
    AND s.id = m.stock_id
    AND s.fence <= %(token)s
    AND s.on_hand + m.change >= s.reserved
  RETURNING s.id, s.product_id, m.change
), moved AS (
  INSERT INTO inventory_stockmovement
    (stock_id, kind, quantity, reference, note, actor, job_id, created_at)
  SELECT id, 'synced', change, %(reference)s, '', '', %(job_id)s, statement_timestamp()
  FROM merged
  WHERE change <> 0
), noted AS (
  UPDATE inventory_syncrow AS r
  SET
    before = m.on_hand,
    change = m.change,
    verdict = CASE
      WHEN m.verdict = 'outdated' THEN 'outdated'
      WHEN m.verdict = 'below reserved' THEN 'below'
      WHEN m.stock_id = ANY (%(opened)s::bigint[]) THEN 'added'
      WHEN m.change <> 0 THEN 'changed'
      ELSE 'unchanged'
    END,
    error = CASE
      WHEN m.verdict = 'below reserved'
        THEN m.meant || ' on hand would be less than the ' || m.reserved || ' promised'
      ELSE ''
    END
  FROM merges AS m
  WHERE r.run_id = %(run_id)s AND r.number = m.number
  RETURNING r.verdict
)
SELECT
  (SELECT count(*) FROM merges WHERE verdict = 'merge') AS expected,
  (SELECT count(*) FROM merged) AS written,
  (SELECT array_agg(product_id) FROM merged WHERE change <> 0) AS products,
  tally.*
FROM (
  SELECT
    count(*) FILTER (WHERE verdict = 'added') AS added,
    count(*) FILTER (WHERE verdict = 'changed') AS changed,
    count(*) FILTER (WHERE verdict = 'unchanged') AS unchanged,
    count(*) FILTER (WHERE verdict = 'outdated') AS outdated,
    count(*) FILTER (WHERE verdict = 'below') AS below
  FROM noted
) AS tally

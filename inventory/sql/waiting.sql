-- The reservations of all references that wait for a decision about these stocks and about no
-- others, oldest first, and then those of the callers. `asked`: the reference waits for a decision.
-- stock_ids, limit, callers (references)
WITH asked AS (
  SELECT oldest.reference, min(oldest.id) AS place
  FROM (
    SELECT r.reference, r.id
    FROM inventory_reservation AS r
    WHERE r.state = 'asked'
      AND r.stock_id = ANY (%(stock_ids)s::bigint[])
      AND NOT EXISTS (
        SELECT 1
        FROM inventory_reservation AS other
        WHERE other.reference = r.reference AND other.stock_id <> ALL (%(stock_ids)s::bigint[])
      )
    ORDER BY r.id
    LIMIT %(limit)s::int
  ) AS oldest
  GROUP BY oldest.reference
), known AS (
  SELECT reference, place FROM asked
  UNION ALL
  SELECT DISTINCT c.reference, NULL::bigint
  FROM unnest(%(callers)s::text[]) AS c (reference)
  WHERE NOT EXISTS (SELECT 1 FROM asked WHERE asked.reference = c.reference)
)
SELECT r.reference, known.place IS NOT NULL AS asked, s.product_id, r.quantity, r.state
FROM known
JOIN inventory_reservation AS r ON r.reference = known.reference
JOIN inventory_stock AS s ON s.id = r.stock_id
ORDER BY known.place NULLS LAST, r.id

-- Of the rows of one SKU the first counts; the others can't be used.
-- run_id
UPDATE inventory_syncrow AS r
SET error = 'the SKU is in line ' || twice.line || ' already, which counts'
FROM (
  SELECT first.sku, first.number, first.line
  FROM (
    SELECT sku, min(number) AS number
    FROM inventory_syncrow
    WHERE run_id = %(run_id)s AND error = ''
    GROUP BY sku
    HAVING count(*) > 1
  ) AS repeated
  JOIN inventory_syncrow AS first
    ON first.run_id = %(run_id)s AND first.number = repeated.number
) AS twice
WHERE r.run_id = %(run_id)s AND r.error = '' AND r.sku = twice.sku AND r.number > twice.number

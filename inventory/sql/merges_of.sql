-- The merges themselves, in the rows' order.
-- run_id, after, last, location, limit, all (whether also those that change nothing)
SELECT number, line, sku, stock_id, on_hand, change, meant, verdict
FROM (
-- include: merges
) AS merges
WHERE %(all)s OR verdict <> 'merge' OR change <> 0
ORDER BY number
LIMIT %(limit)s

-- The rows as this transaction wrote them: it sees them, though their writer is still in progress.
--   {{table}}, {{key}}: names
--   first: the transaction's own number, its savepoints have later ones; last: a number that none of
--   them has reached; xid: the lower half of `first`; most: rows
-- A version's xmin is the lower half of its writer's number: counted from `first` it is whole again.
SELECT the_row.{key}, to_jsonb(the_row)
FROM {table} AS the_row
CROSS JOIN LATERAL (
    SELECT %(first)s::bigint + age(%(xid)s::xid) - age(the_row.xmin) AS number
) AS writer
WHERE age(the_row.xmin) <= age(%(xid)s::xid)
    AND CASE
        WHEN writer.number < %(last)s::bigint
            THEN pg_xact_status(writer.number::text::xid8) = 'in progress'
        ELSE false
    END
ORDER BY the_row.{key}
LIMIT %(most)s

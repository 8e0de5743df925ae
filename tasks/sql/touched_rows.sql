-- Seen from outside: the rows that a transaction in progress has deleted, replaced or locked.
--   {{table}}, {{key}}: names; first, last, xid, most: as in written_rows.sql
SELECT the_row.{key}, to_jsonb(the_row)
FROM {table} AS the_row
CROSS JOIN LATERAL (
    SELECT %(first)s::bigint + age(%(xid)s::xid) - age(the_row.xmax) AS number
) AS writer
WHERE age(the_row.xmax) <= age(%(xid)s::xid)
    AND CASE
        WHEN writer.number < %(last)s::bigint
            THEN pg_xact_status(writer.number::text::xid8) = 'in progress'
        ELSE false
    END
ORDER BY the_row.{key}
LIMIT %(most)s

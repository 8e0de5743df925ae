-- Rows by their keys, as this connection sees them.
--   {{table}}, {{key}}: names; keys; most: rows
SELECT the_row.{key}, to_jsonb(the_row)
FROM {table} AS the_row
WHERE the_row.{key} = ANY(%(keys)s)
LIMIT %(most)s

-- Rows of a table by their primary keys.
--   {table}, {key}
--   keys: JSON, a list of objects with the key's columns
SELECT to_jsonb(t)::text
FROM {table} AS t
INNER JOIN jsonb_populate_recordset(NULL::{table}, %(keys)s::jsonb) AS k USING ({key})

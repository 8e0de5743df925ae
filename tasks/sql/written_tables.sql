-- The tables that this transaction has written to, with the column of their primary key and whether
-- rows were deleted. Statistics of an earlier transaction that were not handed in yet may add one, in
-- which nothing is found then. A table whose key has several columns is left out.
SELECT written.relname, key.attname, written.n_tup_del > 0 AS has_deleted
FROM pg_stat_xact_user_tables AS written
JOIN pg_index AS i ON i.indrelid = written.relid AND i.indisprimary AND i.indnkeyatts = 1
JOIN pg_attribute AS key ON key.attrelid = written.relid AND key.attnum = i.indkey[0]
WHERE written.schemaname = current_schema()
    AND written.n_tup_ins + written.n_tup_upd + written.n_tup_del > 0
ORDER BY written.relname

-- The tables that this transaction may have written, by the locks that writing takes, and how many
-- row versions (null when PostgreSQL doesn't count). Parts that were rolled back hold no lock but
-- do count.
SELECT
    c.oid::bigint,
    n.nspname::text,
    c.relname::text,
    ARRAY(
        SELECT a.attname::text
        FROM pg_index AS i
        INNER JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary
        ORDER BY array_position(i.indkey::int2[], a.attnum)
    ),
    CASE
        WHEN current_setting('track_counts')::bool
            THEN
                ARRAY[
                    pg_stat_get_xact_tuples_inserted(c.oid),
                    pg_stat_get_xact_tuples_updated(c.oid),
                    pg_stat_get_xact_tuples_deleted(c.oid)
                ]
    END
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    c.relkind = 'r'
    AND c.relpersistence <> 't'
    AND c.oid IN (
        SELECT relation
        FROM pg_locks
        WHERE pid = pg_backend_pid() AND locktype = 'relation' AND mode = 'RowExclusiveLock'
    )
ORDER BY c.relname

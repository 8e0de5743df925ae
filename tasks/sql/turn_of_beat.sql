-- How many sessions hold beat's advisory lock in this database.
--   lock
SELECT count(*)
FROM pg_locks
WHERE locktype = 'advisory'
    AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND objsubid = 1
    AND (classid::bigint << 32 | objid::bigint) = %(lock)s

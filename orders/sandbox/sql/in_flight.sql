-- Whether a transaction holds the advisory lock of a name, without touching the lock.
-- Parameter: the name. pg_locks shows the two halves of a 64-bit lock as classid and objid:
-- https://www.postgresql.org/docs/current/view-pg-locks.html
SELECT EXISTS (
    SELECT FROM pg_locks, hashtextextended(%s, 0) AS lock
    WHERE locktype = 'advisory'
      AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND classid::bigint = (lock >> 32) & x'ffffffff'::bigint
      AND objid::bigint = lock & x'ffffffff'::bigint
      AND objsubid = 1
)

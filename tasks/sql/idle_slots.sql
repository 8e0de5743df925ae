-- Replication slots that nobody uses, with how many bytes of write-ahead log are kept for them.
--   bytes
SELECT slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS kept
FROM pg_replication_slots
WHERE NOT active AND pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) > %(bytes)s

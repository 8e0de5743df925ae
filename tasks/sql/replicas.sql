-- Replicas that are behind, with how many bytes. What a role may not see is null and left out.
--   bytes
SELECT application_name, behind
FROM (
    SELECT
        application_name,
        pg_wal_lsn_diff(
            pg_current_wal_lsn(), COALESCE(replay_lsn, flush_lsn, write_lsn, sent_lsn)
        )::bigint AS behind
    FROM pg_stat_replication
    WHERE state = 'streaming'
) AS replica
WHERE behind > %(bytes)s

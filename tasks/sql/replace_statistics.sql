-- Statistics that were written before are replaced. Ends the INSERT of whoever includes it:
-- fold_hours.sql, roll_up_hours.sql, roll_up_minutes.sql.
ON CONFLICT (unit, start, queue, task) DO UPDATE SET
    succeeded = excluded.succeeded,
    retried = excluded.retried,
    dead = excluded.dead,
    crashed = excluded.crashed,
    snoozed = excluded.snoozed,
    cancelled = excluded.cancelled,
    run_s = excluded.run_s,
    wait_s = excluded.wait_s,
    run_buckets = excluded.run_buckets,
    wait_buckets = excluded.wait_buckets

-- Bounds what a dry run may cost others; until the end of the transaction.
--   statement_s, lock_s, idle_s: seconds
SELECT
    set_config('statement_timeout', (%(statement_s)s::float8 * 1000)::int::text, true),
    set_config('lock_timeout', (%(lock_s)s::float8 * 1000)::int::text, true),
    set_config(
        'idle_in_transaction_session_timeout', (%(idle_s)s::float8 * 1000)::int::text, true
    )

-- For the rest of this transaction: no statement runs, and none waits for a row, longer than this.
--   statement_ms, lock_ms
SELECT
    set_config('statement_timeout', %(statement_ms)s, true),
    set_config('lock_timeout', %(lock_ms)s, true)

-- The first and the last number of this transaction and its savepoints. Call it in a new savepoint,
-- which gets the next number by this very row.
INSERT INTO dry_run_never_commits VALUES (2)
RETURNING pg_current_xact_id()::text, xmin::text

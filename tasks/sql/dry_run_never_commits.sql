-- Breaks a constraint that PostgreSQL checks at the commit, so that there can't be one. The table
-- goes with the rollback.
CREATE TEMPORARY TABLE dry_run_never_commits (one int UNIQUE DEFERRABLE INITIALLY DEFERRED);
INSERT INTO dry_run_never_commits VALUES (1), (1)

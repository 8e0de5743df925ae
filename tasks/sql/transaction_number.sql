-- The number of this transaction, given to it now. What it writes has this one or, of a savepoint, a
-- later one.
SELECT pg_current_xact_id()::text::bigint

-- For one transaction: a chunk is a small part of its tables, which are never read as a whole,
-- whatever the planner thinks. And nobody waits for the disk: what a crash of PostgreSQL takes back
-- is the newest chunks together with the run's place, so they are merged again.
SET LOCAL enable_seqscan = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL synchronous_commit = off

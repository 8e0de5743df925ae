-- A worker is here; answers whether somebody wants it to stop.
--   name, host, pid, started_at, queues, pool, concurrency, prefetch: what it is
--   memory, pool_memory: bytes, or null; jobs: begun and ended by it; stopping
--   ended_at: null but for the last one
INSERT INTO tasks_worker (
    name, host, pid, started_at, seen_at, queues, pool, concurrency, prefetch,
    memory_bytes, pool_memory_bytes, jobs_done, stopping, ended_at
)
VALUES (
    %(name)s, %(host)s, %(pid)s, %(started_at)s, clock_timestamp(), %(queues)s::text[], %(pool)s,
    %(concurrency)s, %(prefetch)s, %(memory)s, %(pool_memory)s, %(jobs)s, %(stopping)s, %(ended_at)s
)
ON CONFLICT (name) DO UPDATE SET
    host = excluded.host,
    pid = excluded.pid,
    started_at = excluded.started_at,
    seen_at = excluded.seen_at,
    queues = excluded.queues,
    pool = excluded.pool,
    concurrency = excluded.concurrency,
    prefetch = excluded.prefetch,
    memory_bytes = excluded.memory_bytes,
    pool_memory_bytes = excluded.pool_memory_bytes,
    jobs_done = excluded.jobs_done,
    stopping = excluded.stopping,
    -- A wish is for one life: a node that is started again under its old name must not end again.
    stop_asked_at = CASE
        WHEN tasks_worker.started_at = excluded.started_at THEN tasks_worker.stop_asked_at
    END,
    ended_at = excluded.ended_at
RETURNING stop_asked_at IS NOT NULL

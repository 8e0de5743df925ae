"""The same no-op on Procrastinate, run by an environment of its own (requirements-bench.txt).

    python procrastinate_side.py DSN JOBS

Defers the jobs, runs two worker processes (as many as the others have children) until all are
done, and prints jobs per second, from the first job's start to the last one's end by PostgreSQL's
clock. Its start-up is not counted.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys

import procrastinate  # type: ignore[import-not-found]  # in an environment of its own
import psycopg

WORKERS = 2
CONCURRENCY = 10
"""Coroutines a worker process; measured best of 1, 10 and 30 for jobs that do nothing."""

EVENTS = """
SELECT count(*) / extract(epoch FROM
    max(at) FILTER (WHERE type = 'succeeded') - min(at) FILTER (WHERE type = 'started'))
    * count(*) FILTER (WHERE type = 'succeeded') / count(*)
FROM procrastinate_events JOIN procrastinate_jobs ON procrastinate_jobs.id = job_id
WHERE type IN ('started', 'succeeded') AND status = 'succeeded'
"""


def make_app(dsn: str) -> procrastinate.App:
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=dsn, max_size=CONCURRENCY + 2)
    )

    @app.task(name="noop")  # type: ignore[untyped-decorator]
    async def noop(number: int) -> None:
        pass

    return app


async def set_up(dsn: str, count: int) -> None:
    """An empty schema, then the jobs."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
        if row and row[0]:
            connection.execute("TRUNCATE procrastinate_jobs CASCADE")
    app = make_app(dsn)
    async with app.open_async():
        if not (row and row[0]):
            await app.schema_manager.apply_schema_async()
        await app.tasks["noop"].batch_defer_async(*({"number": n} for n in range(count)))


def work(dsn: str) -> None:
    """One worker process; ends when nothing is left to do."""

    async def run() -> None:
        app = make_app(dsn)
        async with app.open_async():
            await app.run_worker_async(
                concurrency=CONCURRENCY, wait=False, listen_notify=False, delete_jobs="never"
            )

    asyncio.run(run())


def main() -> None:
    dsn, count = sys.argv[1], int(sys.argv[2])
    asyncio.run(set_up(dsn, count))
    workers = [multiprocessing.Process(target=work, args=(dsn,)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with psycopg.connect(dsn) as connection:
        row = connection.execute(EVENTS).fetchone()
    print(float(row[0]) if row else 0.0)


if __name__ == "__main__":
    main()

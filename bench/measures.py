"""One measurement each: ours through the ledger, or plain Celery's through the broker alone."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from statistics import quantiles
from typing import Any, cast

from django.conf import settings
from django.db import connection, transaction

from bench.plain import PLAIN_QUEUE, app, plain_noop
from bench.servers import wait_until_empty
from bench.tasks import noop
from tasks.enqueue import enqueue_many
from tasks.models import FINAL_STATES, Job
from tasks.task import JobTask

ENQUEUED = 500
"""Calls a measurement of enqueueing: a second or so of plain Celery's."""

BULK = 1000
DRAINED = 2000
"""Jobs a measurement of the no-op rate: two seconds or so of plain Celery's."""

LATENCY_PER_S = 50
LATENCY_S = 6.0
PATIENCE_S = 120.0


def ledger_enqueue_per_s() -> float:
    """`delay` inside an open transaction; its commit is counted."""
    started = time.perf_counter()
    with transaction.atomic():
        for number in range(ENQUEUED):
            noop.delay(number)
    rate = ENQUEUED / (time.perf_counter() - started)
    _forget()
    return rate


def plain_enqueue_per_s() -> float:
    """`delay` with a publisher confirm each: durable too, but in no transaction."""
    started = time.perf_counter()
    for number in range(ENQUEUED):
        plain_noop.delay(number)
    rate = ENQUEUED / (time.perf_counter() - started)
    _purge()
    return rate


def ledger_bulk_per_s() -> float:
    """One `enqueue_many` of 1,000; its commit is counted."""
    started = time.perf_counter()
    enqueue_many(cast(JobTask, noop), [((number,), {}) for number in range(BULK)])
    rate = BULK / (time.perf_counter() - started)
    _forget()
    return rate


def ledger_noop_per_s() -> float:
    """From the commit of the jobs to the end of the last one, the dispatcher's work included.

    Dispatcher and worker run already.
    """
    enqueue_many(cast(JobTask, noop), [((number,), {}) for number in range(DRAINED)])
    started = time.perf_counter()
    _wait_until_done(DRAINED)
    rate = DRAINED / (time.perf_counter() - started)
    _forget()
    return rate


def plain_noop_per_s(node: str) -> float:
    """From the moment the worker is given the full queue until the queue is empty."""
    app.control.cancel_consumer(PLAIN_QUEUE, destination=[node], reply=True, timeout=5)
    fill: Any = plain_noop.apply_async  # the stubs don't know `connection`
    with app.connection_for_write() as reused:
        for number in range(DRAINED):
            fill((number,), connection=reused)
    started = time.perf_counter()
    app.control.add_consumer(PLAIN_QUEUE, destination=[node])
    wait_until_empty(settings.CELERY_BROKER_URL, PLAIN_QUEUE, timeout_s=PATIENCE_S)
    return DRAINED / (time.perf_counter() - started)


def procrastinate_noop_per_s(python: Path, dsn: str) -> float:
    """Procrastinate's no-ops, by the Python of an environment that has it."""
    script = Path(__file__).parent / "procrastinate_side.py"
    ended = subprocess.run(
        [str(python), str(script), dsn, str(DRAINED)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    return float(ended.stdout.split()[-1])


def start_latencies_ms() -> tuple[float, float]:
    """p50 and p95 from the INSERT of a job to its start, at 50 jobs a second, by PostgreSQL's
    clock."""
    count = int(LATENCY_PER_S * LATENCY_S)
    started = time.perf_counter()
    for number in range(count):
        noop.delay(number)
        time.sleep(max(0.0, started + (number + 1) / LATENCY_PER_S - time.perf_counter()))
    _wait_until_done(count)
    rows = Job.objects.values_list("created_at", "started_at")
    waits = [(start - made).total_seconds() * 1000 for made, start in rows if start is not None]
    cuts = quantiles(waits, n=20)
    _forget()
    return cuts[9], cuts[18]


def _wait_until_done(count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while Job.objects.filter(state__in=FINAL_STATES).count() < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{count} jobs are not done after {PATIENCE_S:g} s.")
        time.sleep(0.02)


def _forget() -> None:
    """An empty ledger for the next measurement, without dead rows of this one."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE tasks_job CASCADE")


def _purge() -> None:
    with app.connection_for_write() as broker:
        channel: Any = broker.default_channel
        channel.queue_purge(PLAIN_QUEUE)

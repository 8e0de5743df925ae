"""The ledger's numbers for Prometheus, computed when they are asked for.

    registry.register(LedgerCollector())

Any one process can tell them all, and a restart forgets nothing. A scrape costs four statements:

| statement | reads |
|---|---|
| `sql/queues.sql` | the partial indexes of live and dead jobs |
| `sql/gauges.sql` | the first rows of partial indexes |
| dead jobs by task | the partial index of dead jobs |
| `sql/statistics.sql` | rolled-up hours: 192 rows a queue and task at the most |

together bounded by `TIMEOUT_MS`. If PostgreSQL can't answer in time the scrape says only
`jobs_ledger_up 0`, and the other series end, which is what alerts must look at first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import Error, connection, transaction
from django.db.models import Count
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tasks import buckets, statistics
from tasks.buckets import Buckets
from tasks.effects import PATIENCE_S
from tasks.models import Job, JobState
from tasks.queues import QueueInfo, queues
from tasks.statements import SQL
from tasks.statistics import TaskNumbers

logger = logging.getLogger(__name__)

TIMEOUT_MS = 3000
"""For each statement; Prometheus' own default gives a whole scrape 10 s."""

UP = "Whether the ledger could be read"


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What one scrape tells."""

    queues: list[QueueInfo]
    dead: list[tuple[str, str, int]]
    """Queue, task, count."""
    ever: list[TaskNumbers]
    lapsed: int
    unknown: int
    lag_s: float


NOTHING = Readings(queues=[], dead=[], ever=[], lapsed=0, unknown=0, lag_s=0)


class LedgerCollector(Collector):
    """Asks PostgreSQL once a scrape."""

    def describe(self) -> Iterator[Metric]:
        """The names, without asking."""
        yield from _families(NOTHING)
        yield GaugeMetricFamily("jobs_ledger_up", UP)

    def collect(self) -> Iterator[Metric]:
        try:
            readings = _read()
        except Error as error:
            logger.warning("The ledger can't be read for Prometheus: %s", error)
            connection.close()
            yield GaugeMetricFamily("jobs_ledger_up", UP, value=0)
        else:
            yield GaugeMetricFamily("jobs_ledger_up", UP, value=1)
            yield from _families(readings)


def _read() -> Readings:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{TIMEOUT_MS}ms"])
        row = SQL.fetch_one("gauges", {"patience_s": PATIENCE_S})
        lapsed, unknown, lag_s = row or (0, 0, 0.0)
        return Readings(
            queues=queues(),
            dead=_dead(),
            ever=statistics.ever(),
            lapsed=lapsed,
            unknown=unknown,
            lag_s=lag_s,
        )


def _dead() -> list[tuple[str, str, int]]:
    rows = Job.objects.filter(state=JobState.DEAD).order_by().values("queue", "task")
    return [(row["queue"], row["task"], row["count"]) for row in rows.annotate(count=Count("id"))]


def _families(told: Readings) -> Iterator[Metric]:
    yield _by_state(told.queues)
    yield _gauge(
        ("jobs_oldest_seconds", "For how long the oldest job that has not started has been due"),
        ((each.name, each.oldest_s or 0) for each in told.queues),
    )
    yield _gauge(
        ("jobs_queue_paused", "Whether an operator paused the queue"),
        ((each.name, float(each.pause is not None)) for each in told.queues),
    )
    dead = GaugeMetricFamily("jobs_dead", "Dead jobs", labels=["queue", "task"])
    for queue, task, count in told.dead:
        dead.add_metric([queue, task], count)
    yield dead
    yield GaugeMetricFamily(
        "jobs_dispatch_lag_seconds", "How late the dispatcher is", value=told.lag_s
    )
    yield GaugeMetricFamily(
        "jobs_leases_lapsed", "Running jobs whose worker renewed nothing", value=told.lapsed
    )
    yield GaugeMetricFamily(
        "jobs_effects_unknown", "Effects of which nobody knows the outcome", value=told.unknown
    )
    yield _attempts(told.ever)
    yield _histogram(
        ("jobs_run_seconds", "How long attempts ran"),
        ((each, each.numbers.run_buckets, each.numbers.run_s) for each in told.ever),
    )
    yield _histogram(
        ("jobs_wait_seconds", "From being due to the start of attempts that succeeded"),
        ((each, each.numbers.wait_buckets, each.numbers.wait_s) for each in told.ever),
    )


def _by_state(found: Iterable[QueueInfo]) -> Metric:
    family = GaugeMetricFamily(
        "jobs", "Jobs that have not ended, and dead ones", labels=["queue", "state"]
    )
    for each in found:
        for state, count in (
            ("later", each.later),
            ("due", each.due),
            ("queued", each.queued),
            ("running", each.running),
            ("dead", each.dead),
        ):
            family.add_metric([each.name, state], count)
    return family


def _gauge(named: tuple[str, str], values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(*named, labels=["queue"])
    for queue, value in values:
        family.add_metric([queue], value)
    return family


def _attempts(ever: Iterable[TaskNumbers]) -> Metric:
    family = CounterMetricFamily(
        "jobs_attempts", "Attempts that have ended", labels=["queue", "task", "outcome"]
    )
    for each in ever:
        for outcome in statistics.COUNTS:
            family.add_metric([each.queue, each.task, outcome], getattr(each.numbers, outcome))
    return family


def _histogram(
    named: tuple[str, str], values: Iterable[tuple[TaskNumbers, Buckets, float]]
) -> Metric:
    family = HistogramMetricFamily(*named, labels=["queue", "task"])
    for each, counts, sum_s in values:
        bounds = [(f"{bound:.6g}", float(count)) for bound, count in buckets.cumulative(counts)]
        everything = ("+Inf", float(sum(counts.values())))
        family.add_metric([each.queue, each.task], [*bounds, everything], sum_s)
    return family

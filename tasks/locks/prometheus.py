"""The locks' numbers of all processes, for Prometheus.

    REGISTRY.register(LockCollector())

They are in Redis, so any one process can tell them; each process telling its own would need a
folder shared by all. While Redis is down only `lock_metrics_up 0` is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tasks.locks.default import default_locker
from tasks.locks.errors import LockUnavailable
from tasks.locks.locker import Locker
from tasks.locks.metrics import BOUNDS_S, Histogram, LockMetrics, totals

UP = "Whether Redis could be asked for the locks' metrics"


class LockCollector(Collector):
    """Asks Redis once a scrape."""

    def __init__(self, locker: Callable[[], Locker] = default_locker) -> None:
        self._locker = locker

    def describe(self) -> Iterator[Metric]:
        """The names, without asking Redis."""
        yield from _families(LockMetrics())
        yield GaugeMetricFamily("lock_metrics_up", UP)

    def collect(self) -> Iterator[Metric]:
        locker = self._locker()
        try:
            told = totals(locker.client, locker.prefix)
        except LockUnavailable:
            yield GaugeMetricFamily("lock_metrics_up", UP, value=0)
        else:
            yield GaugeMetricFamily("lock_metrics_up", UP, value=1)
            yield from _families(told)


def _families(told: LockMetrics) -> Iterator[Metric]:
    for name, text, value in (
        ("lock_acquisitions", "Locks that were taken", told.acquired),
        ("lock_queued", "Locks that were taken after a wait in line", told.queued),
        ("lock_timeouts", "Waits that ended without the lock", told.timeouts),
        ("lock_unavailable", "Refusals because Redis could not say", told.unavailable),
        ("lock_lost", "Locks lost while they were held", told.lost),
    ):
        yield CounterMetricFamily(name, text, value=value)
    yield _histogram("lock_wait_seconds", "How long it took to get in", told.wait_s)
    yield _histogram("lock_hold_seconds", "How long it was held", told.hold_s)


def _histogram(name: str, text: str, told: Histogram) -> Metric:
    bounds = [*(str(bound) for bound in BOUNDS_S), "+Inf"]
    buckets = list(zip(bounds, accumulate(told.counts), strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=told.total_s)

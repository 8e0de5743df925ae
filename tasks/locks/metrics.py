"""What the locks did, as numbers that only grow. Cheap enough for every lock.

Each process counts for itself in `lock_metrics`; `tasks.locks.reporting` adds that to the numbers
of all processes in Redis, and `totals` reads those.

| name | counts |
|---|---|
| acquired | acquisitions |
| queued | acquisitions that had to wait their turn |
| timeouts | waits that ended without the lock |
| unavailable | refusals because Redis couldn't say |
| lost | locks lost while they were held |
| wait_s, hold_s | histograms: how long it took to get in, and how long it was held |
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tasks.locks.asking import asking

BOUNDS_S: Final = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
)
"""Upper bounds of the histograms' buckets, in seconds; the last bucket has none."""

BUCKETS: Final = (*(str(bound) for bound in BOUNDS_S), "inf")
"""The buckets' names in Redis: with other bounds, another release's counts stay apart."""

COUNTERS: Final = ("acquired", "queued", "timeouts", "unavailable", "lost")
HISTOGRAMS: Final = ("wait_s", "hold_s")


@dataclass
class Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    """How many fell into each bucket (not cumulative)."""
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds

    @property
    def count(self) -> int:
        return sum(self.counts)

    def quantile_s(self, share: float) -> float:
        """At most so long did this `share` (0 to 1) take: a bucket's bound, perhaps infinite.

        0 when nothing was counted.
        """
        wanted, reached = share * self.count, 0
        for bound, count in zip((*BOUNDS_S, float("inf")), self.counts, strict=True):
            reached += count
            if reached >= wanted:
                return bound if reached else 0.0
        return 0.0


@dataclass
class LockMetrics:
    acquired: int = 0
    queued: int = 0
    timeouts: int = 0
    unavailable: int = 0
    lost: int = 0
    wait_s: Histogram = field(default_factory=Histogram)
    hold_s: Histogram = field(default_factory=Histogram)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def got(self, wait_s: float, *, queued: bool) -> None:
        with self._mutex:
            self.acquired += 1
            self.queued += queued
            self.wait_s.add(wait_s)

    def released(self, hold_s: float) -> None:
        with self._mutex:
            self.hold_s.add(hold_s)

    def timed_out(self) -> None:
        with self._mutex:
            self.timeouts += 1

    def was_unavailable(self) -> None:
        with self._mutex:
            self.unavailable += 1

    def was_lost(self) -> None:
        with self._mutex:
            self.lost += 1

    def to_fields(self) -> dict[str, int | float]:
        """Every number by its name in Redis."""
        with self._mutex:
            fields: dict[str, int | float] = {name: getattr(self, name) for name in COUNTERS}
            for name in HISTOGRAMS:
                histogram: Histogram = getattr(self, name)
                counts = zip(BUCKETS, histogram.counts, strict=True)
                fields |= {f"{name}:{bucket}": count for bucket, count in counts}
                fields[f"{name}:total"] = histogram.total_s
            return fields

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> LockMetrics:
        """What `to_fields` gave; a name that is missing counts as 0."""
        metrics = cls()
        for name in COUNTERS:
            setattr(metrics, name, int(fields.get(name, 0)))
        for name in HISTOGRAMS:
            histogram: Histogram = getattr(metrics, name)
            histogram.counts = [int(fields.get(f"{name}:{bucket}", 0)) for bucket in BUCKETS]
            histogram.total_s = float(fields.get(f"{name}:total", 0))
        return metrics

    def start_over(self) -> None:
        """In a forked child: nothing counted yet, and nobody else in the mutex."""
        vars(self).update(vars(LockMetrics()))


lock_metrics: Final = LockMetrics()
"""Of this process. A forked child starts with zeros."""


def totals_key(prefix: str) -> str:
    """The hash with the numbers of all processes. No lock's own keys can have that name."""
    return f"{{{prefix}}}:metrics"


def totals(client: Any, prefix: str) -> LockMetrics:
    """What all processes have reported since Redis' memory began. Raises `LockUnavailable`."""
    with asking():
        fields = client.hgetall(totals_key(prefix))
    return LockMetrics.from_fields({_text(name): _text(value) for name, value in fields.items()})


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value

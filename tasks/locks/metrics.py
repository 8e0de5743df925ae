"""What the locks of this process did, as numbers that only grow. Cheap enough for every lock.

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
from dataclasses import dataclass, field
from typing import Final

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


@dataclass
class Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    """How many fell into each bucket (not cumulative)."""
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds


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


lock_metrics: Final = LockMetrics()
"""Of this process; a forked child goes on from its parent's numbers."""

"""When each step of a replay is due: the file's clock, run N times faster than real time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime


class Pace:
    """Starts at `first`, the file's first moment. Without a speed everything is due at once."""

    def __init__(
        self,
        *,
        first: datetime | None,
        speed: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first = first
        self._speed = speed
        self._clock = clock
        self._started = clock()

    def seconds_until(self, moment: datetime) -> float:
        """Seconds of real time until `moment` of the file is due; 0 or less when it is."""
        if self._speed is None or self._first is None:
            return 0.0
        due = (moment - self._first).total_seconds() / self._speed
        return due - (self._clock() - self._started)

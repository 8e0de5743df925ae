"""Durations as counts in buckets: small, and the counts of two periods add up to those of both.

Bucket `n` holds what is over 1 ms × 2^((n-1)/4) and up to 1 ms × 2^(n/4), so a percentile read from
it is at most 19 % too high and never too low. Bucket 0 holds everything up to 1 ms and the last
everything over 9 hours. `sql/roll_up_minutes.sql` has the same rule; a test holds them together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

FIRST_S = 0.001
STEPS = 4
"""Buckets to a doubling."""
LAST = 100

Buckets = Mapping[int, int]
"""How many fell into which bucket; those without any are left out."""


def bucket_of(seconds: float) -> int:
    if seconds <= FIRST_S:
        return 0
    return min(math.ceil(STEPS * math.log2(seconds / FIRST_S) - 1e-9), LAST)


def upper_bound_s(bucket: int) -> float:
    return FIRST_S * math.exp2(bucket / STEPS)


def percentile_s(buckets: Buckets, share: float) -> float | None:
    """The bound under which `share` (0 to 1) of the durations lie, in seconds; None without any."""
    wanted, seen = share * sum(buckets.values()), 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= wanted:
            return upper_bound_s(bucket)
    return None


def cumulative(buckets: Buckets) -> list[tuple[float, int]]:
    """Upper bounds in seconds, one a doubling, each with the count of all up to it."""
    return [
        (upper_bound_s(bound), sum(many for bucket, many in buckets.items() if bucket <= bound))
        for bound in range(0, LAST, STEPS)
    ]


def read(stored: Mapping[str, int]) -> dict[int, int]:
    """As JSON has them: its keys are text."""
    return {int(bucket): many for bucket, many in stored.items()}

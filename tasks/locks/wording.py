"""Locks in words, for the admin page and the command line."""

from __future__ import annotations

from tasks.locks.inspection import HolderInfo
from tasks.locks.owner import Owner

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


def duration(seconds: float) -> str:
    """`2.1 s`, `12 min`, `5 h`, `3 d`."""
    if seconds < 2 * MINUTE_S:
        return f"{seconds:.1f} s"
    if seconds < 2 * HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    if seconds < 2 * DAY_S:
        return f"{seconds / HOUR_S:.0f} h"
    return f"{seconds / DAY_S:.0f} d"


def process(owner: Owner | None) -> str:
    """Where the owner runs."""
    return f"{owner.host} pid {owner.pid}" if owner else "foreign code"


def age(holder: HolderInfo) -> str:
    return "unknown" if holder.age_s is None else duration(holder.age_s)


def expiry(holder: HolderInfo) -> str:
    """When the lock ends by itself."""
    return "never" if holder.ttl_s is None else f"in {duration(holder.ttl_s)}"

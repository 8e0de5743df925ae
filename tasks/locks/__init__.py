"""Locks in Redis that take turns fairly, know when they are lost, and fence what they guard.

    with lock(f"stock:{product_id}", ttl=30, wait=5) as held:
        fenced_update(Stock.objects.filter(...), token=held.token, on_hand=...)

`docs/locks.md` tells the story.
"""

from __future__ import annotations

from collections.abc import Iterable

from tasks.locks.combining import Serve
from tasks.locks.default import default_locker
from tasks.locks.errors import (
    LockError,
    LockLost,
    LockNotOwned,
    LockTimeout,
    LockUnavailable,
    StaleFence,
)
from tasks.locks.held import Held
from tasks.locks.locker import Locker
from tasks.locks.redis_py import Lock

__all__ = [
    "Held",
    "Lock",
    "LockError",
    "LockLost",
    "LockNotOwned",
    "LockTimeout",
    "LockUnavailable",
    "Locker",
    "StaleFence",
    "combine",
    "lock",
    "lock_all",
]


def lock(
    key: str,
    ttl: float = 30,
    wait: float | None = 5,
    *,
    max_hold: float | None = None,
    shared: bool = False,
) -> Held:
    """`Locker.lock` on the Redis of the settings. Use it in a `with`."""
    return default_locker().lock(key, ttl, wait, max_hold=max_hold, shared=shared)


def lock_all(
    keys: Iterable[str],
    ttl: float = 30,
    wait: float | None = 5,
    *,
    max_hold: float | None = None,
    shared: bool = False,
) -> Held:
    """`Locker.lock_all` on the Redis of the settings. Use it in a `with`."""
    return default_locker().lock_all(keys, ttl, wait, max_hold=max_hold, shared=shared)


def combine(
    key: str,
    request: bytes,
    serve: Serve,
    *,
    ttl: float = 30,
    wait: float | None = 5,
    most: int = 500,
) -> bytes:
    """`Locker.combine` on the Redis of the settings."""
    return default_locker().combine(key, request, serve, ttl=ttl, wait=wait, most=most)

"""Who holds which lock, and who waits for it. Only looks; `tasks.locks.forcing` does something."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.locks.asking import asking
from tasks.locks.keys import is_beside, key_family
from tasks.locks.locker import Locker
from tasks.locks.owner import Owner, read_owner

LOOKING_S = 2.0
"""How long a search goes on in a Redis with many other keys, in seconds."""

LINE_SHOWN = 100
"""How many of a lock's waiters are looked at; the others are only counted."""


@dataclass(frozen=True, kw_only=True)
class HolderInfo:
    """One acquisition of a lock."""

    value: str
    """What the lock's key holds; no other acquisition has the same."""
    owner: Owner | None
    """None for a foreign holder: plain SET NX code, or a token chosen by the caller."""
    age_s: float | None
    ttl_s: float | None
    """Seconds until it expires unless renewed; None when it never does (a foreign lock)."""


@dataclass(frozen=True, kw_only=True)
class WaiterInfo:
    """One place in a lock's line."""

    owner: Owner | None
    waiting_s: float


@dataclass(frozen=True, kw_only=True)
class LockInfo:
    """One lock that is held."""

    key: str
    """As given to `lock`, without the prefix."""
    holders: tuple[HolderInfo, ...]
    """At least one."""
    waiters: tuple[WaiterInfo, ...]
    """The first of them, in the order of their turn."""
    waiting: int
    """How many wait in all."""

    def holder(self, value: str) -> HolderInfo | None:
        """The acquisition that the lock's key knows by `value`, if it still holds."""
        return next((holder for holder in self.holders if holder.value == value), None)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The locks that a search found, by key."""

    locks: tuple[LockInfo, ...]
    complete: bool
    """False when there are more, or may be: the search was ended by its limits."""

    @property
    def waiting(self) -> int:
        """How many wait for these locks."""
        return sum(lock.waiting for lock in self.locks)


def find_locks(locker: Locker, *, key: str = "", limit: int) -> Found:
    """Up to `limit` of the locks that are held and whose key contains `key`, in about `LOOKING_S`.

    A lock that comes or goes meanwhile may or may not be there. Raises `LockUnavailable`.
    """
    found: list[LockInfo] = []
    end = time.monotonic() + LOOKING_S
    complete = True
    with asking():
        for name in _names(locker, key):
            if time.monotonic() > end:
                complete = False
                break
            lock = _look(locker, name)
            if lock is None:
                continue
            if len(found) == limit:
                complete = False
                break
            found.append(lock)
    return Found(locks=tuple(sorted(found, key=lambda lock: lock.key)), complete=complete)


def lock_info(locker: Locker, key: str) -> LockInfo | None:
    """The lock `key`, or None when nobody holds it. Raises `LockUnavailable`, ValueError."""
    with asking():
        return _look(locker, key)


def _names(locker: Locker, key: str) -> Iterator[str]:
    """Keys that may be locks', by SCAN, which goes over the whole Redis without stopping others."""
    pattern = f"{_literally(locker.prefix)}*{_literally(key)}*"
    for name in locker.client.scan_iter(match=pattern, count=1000, _type="string"):
        text = _text(name)
        # With a hash tag of its own a lock's fence has the same prefix.
        if not is_beside(text):
            yield text.removeprefix(locker.prefix)


def _look(locker: Locker, key: str) -> LockInfo | None:
    lock, queue, *_ = key_family(locker.prefix + key)
    value = locker.client.get(lock)
    if value is None:
        return None
    ttl_ms = int(locker.client.pttl(lock))
    owner = read_owner(_text(value))
    holder = HolderInfo(
        value=_text(value),
        owner=owner,
        age_s=_since(owner.token) if owner and owner.token else None,
        ttl_s=ttl_ms / 1000 if ttl_ms >= 0 else None,
    )
    line = locker.client.zrange(queue, 0, LINE_SHOWN - 1, withscores=True)
    return LockInfo(
        key=key,
        holders=(holder,),
        waiters=tuple(
            WaiterInfo(owner=read_owner(_text(name)), waiting_s=_since(ticket))
            for name, ticket in line
        ),
        waiting=int(locker.client.zcard(queue)) if len(line) == LINE_SHOWN else len(line),
    )


def _since(token_us: float) -> float:
    """Tokens and tickets are Redis' time in microseconds, unless its clock was set back."""
    return max(time.time() - token_us / 1e6, 0.0)


def _literally(text: str) -> str:
    """For a SCAN pattern."""
    return "".join("\\" + letter if letter in "*?[]^-\\" else letter for letter in text)


def _text(value: Any) -> str:
    """Foreign holders may store any bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

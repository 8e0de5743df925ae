"""Who holds which lock, who waits for it, and taking it away from somebody by force."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.locks.keys import is_beside, key_family
from tasks.locks.locker import Locker
from tasks.locks.owner import Owner, read_owner

logger = logging.getLogger(__name__)


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
    value: str
    owner: Owner | None
    """None for a foreign holder: plain SET NX code, or a token chosen by the caller."""
    age_s: float | None
    ttl_s: float | None
    """Seconds until it expires unless renewed; None when it never does (a foreign lock)."""
    waiters: tuple[WaiterInfo, ...]
    """In the order of their turn."""


def held_locks(locker: Locker, *, key: str = "") -> Iterator[LockInfo]:
    """The locks that are held, or only those whose key contains `key`.

    Walks over all keys of the Redis (SCAN), without stopping others; a lock that comes or goes
    meanwhile may or may not be there.
    """
    pattern = f"{_literally(locker.prefix)}*{_literally(key)}*"
    for name in locker.client.scan_iter(match=pattern, count=1000, _type="string"):
        text = _text(name)
        info = lock_info(locker, text.removeprefix(locker.prefix))
        # With a hash tag of its own a lock's fence has the same prefix.
        if info is not None and not is_beside(text):
            yield info


def lock_info(locker: Locker, key: str) -> LockInfo | None:
    """The lock `key`, or None when nobody holds it."""
    lock, queue, *_ = key_family(locker.prefix + key)
    value = locker.client.get(lock)
    if value is None:
        return None
    ttl_ms = int(locker.client.pttl(lock))
    line = locker.client.zrange(queue, 0, -1, withscores=True)
    owner = read_owner(_text(value))
    return LockInfo(
        key=key,
        value=_text(value),
        owner=owner,
        age_s=_since(owner.token) if owner and owner.token else None,
        ttl_s=ttl_ms / 1000 if ttl_ms >= 0 else None,
        waiters=tuple(
            WaiterInfo(owner=read_owner(_text(name)), waiting_s=_since(ticket))
            for name, ticket in line
        ),
    )


def force_release(locker: Locker, key: str, *, by: str, reason: str = "") -> LockInfo | None:
    """Take the lock from whoever holds it and hand it to the next in line; who had it.

    The holder finds out at its next renewal or `check`, and its later writes to fenced rows are
    refused. `by` (`user:3`) and the reason go to the log. None when nobody held it any more.
    """
    info = lock_info(locker, key)
    if info is None or not locker.release_value((locker.prefix + key,), info.value.encode()):
        return None
    logger.warning("Lock %s (%s) was released by force by %s: %s", key, info.value, by, reason)
    return info


def _since(token_us: float) -> float:
    """Tokens and tickets are Redis' time in microseconds, unless its clock was set back."""
    return max(time.time() - token_us / 1e6, 0.0)


def _literally(text: str) -> str:
    """For a SCAN pattern."""
    return "".join("\\" + letter if letter in "*?[]^-\\" else letter for letter in text)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

"""The guards, each with a way to switch it off: the checker must notice every one of them."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import pytest

from tasks.locks import scripts
from tasks.locks.acquisition import Acquisition
from tasks.locks.scripts import Script
from tasks.locks.watchdog import Watchdog

HANDING_OVER = ("ACQUIRE", "RELEASE", "LEAVE")
"""The scripts that hand a lock to the first in line."""


def without_owner_check(patch: pytest.MonkeyPatch) -> None:
    """Whoever releases deletes the lock, whosever it is: the classic DEL."""
    _rewrite(
        patch, "RELEASE", "let_go(key(lock, LOCK), ARGV[1])", "redis.call('DEL', key(lock, LOCK))"
    )


def without_fencing_time(patch: pytest.MonkeyPatch) -> None:
    """Tokens are a plain counter in Redis, which FLUSHALL sends back to 1."""
    for name in HANDING_OVER:
        _rewrite(patch, name, "local fence = now_us()", "local fence = 1")
        _rewrite(patch, name, " + math.ceil((fence - now_us()) / 1000)", "")
    patch.setattr(Acquisition, "_confirm", lambda *_: monotonic())


def without_dead_waiter_cleanup(patch: pytest.MonkeyPatch) -> None:
    """A lock is handed to the first in line even if nobody is there any more."""
    for name in HANDING_OVER:
        _rewrite(patch, name, "message) > 0", "message) >= 0")


def without_renewal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Watchdog, "watch", lambda *_: None)


def without_wakeup(patch: pytest.MonkeyPatch) -> None:
    """Nobody is told of a turn: the next one finds out when it asks again."""
    for name in HANDING_OVER:
        _rewrite(patch, name, "redis.call('PUBLISH', waiter.channel, message) > 0", "true")


def without_line(patch: pytest.MonkeyPatch) -> None:
    """Newcomers take what is free, whoever waits."""
    _rewrite(patch, "ACQUIRE", "local first = first_in_line(lock)", "local first = nil")
    _rewrite(patch, "RELEASE", "for _, lock in ipairs(ours)", "for _, lock in ipairs({})")


def with_writers_among_readers(patch: pytest.MonkeyPatch) -> None:
    """Where readers are, everybody may come in."""
    for name in HANDING_OVER:
        _rewrite(patch, name, "(kind == SHARED and is_shared(held))", "is_shared(held)")


def without_other_readers(patch: pytest.MonkeyPatch) -> None:
    """The first reader to leave takes the lock away from all."""
    _rewrite(patch, "RELEASE", "set_readers(lock, others)", "set_readers(lock, {})")


def without_leaving_when_served(patch: pytest.MonkeyPatch) -> None:
    """Who was served and went stays in line, to be handed a lock that it doesn't want."""
    _rewrite(patch, "ANSWER", "remove(1, waiter.name)", "")


def _rewrite(patch: pytest.MonkeyPatch, name: str, old: str, new: str) -> None:
    script: Script = getattr(scripts, name)
    body = script.body.decode()
    assert old in body, f"{name} has no {old!r} to switch off"
    changed = Script(body.replace(old, new).encode())
    patch.setattr(scripts, name, changed)
    everything = tuple(changed if one is script else one for one in scripts.ALL)
    patch.setattr(scripts, "ALL", everything)


Sabotage = Callable[[pytest.MonkeyPatch], None]

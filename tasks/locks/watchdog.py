"""The watchdog: one thread a process that renews every lock it holds, at a third of its ttl.

A lock's ttl can then be short (soon free after a crash) while its holder works for long. The
thread stops renewing a lock that was released, lost or held for `max_hold`. A lock that Redis no
longer counts as ours, or that couldn't be renewed in time, is *lost*: `held.lost` is set.

It starts with the first lock. After a fork the child has none: it never renews its parent's locks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic

from tasks.locks.errors import LockError
from tasks.locks.held import Held

logger = logging.getLogger(__name__)

Renew = Callable[[Held, float], bool]
"""Keeps one lock for so many seconds more in Redis; False when it isn't ours.

Raises `LockError` when nobody knows."""

IDLE_S = 30.0
"""How long the thread sleeps with nothing to renew."""


class Watchdog:
    """Watches the locks of one process."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._changed = threading.Condition(self._mutex)
        self._watched: dict[Held, Renew] = {}
        self._wakes_at = float("inf")
        self._thread: threading.Thread | None = None

    def watch(self, held: Held, renew: Renew) -> None:
        with self._mutex:
            self._watched[held] = renew
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="locks-watchdog", daemon=True
                )
                self._thread.start()
            # Usually it wakes up earlier anyway, so that a short lock costs no thread switch.
            if held.renew_at < self._wakes_at:
                self._wakes_at = held.renew_at
                self._changed.notify()

    def forget(self, held: Held) -> None:
        with self._mutex:
            self._watched.pop(held, None)

    def _run(self) -> None:
        while True:
            for held, renew in self._due():
                try:
                    self._renew(held, renew)
                except Exception:
                    # The others must go on being renewed; this one is tried again soon.
                    logger.exception("Could not renew %s", held)

    def _due(self) -> list[tuple[Held, Renew]]:
        """Sleep until some locks are to be renewed; those."""
        with self._mutex:
            now = monotonic()
            due = [(held, renew) for held, renew in self._watched.items() if held.renew_at <= now]
            if not due:
                # Keeps the time it was woken for, even if that lock is gone: the next may be alike.
                planned = self._wakes_at if now < self._wakes_at < now + IDLE_S else now + IDLE_S
                self._wakes_at = min((planned, *(held.renew_at for held in self._watched)))
                self._changed.wait(self._wakes_at - now)
            return due

    def _renew(self, held: Held, renew: Renew) -> None:
        asked_at = monotonic()
        lease_s = min(held.ttl_s, held.until - asked_at)
        if asked_at >= held.expires_at:
            self._lost(held)
        elif lease_s <= 0:
            held.renew_at = held.expires_at  # held for longest; look again when it has run out
        else:
            try:
                ours = renew(held, lease_s)
            except LockError as error:
                logger.warning("Could not renew %s yet: %s", held, error)
                held.renew_at = monotonic() + held.ttl_s / 10  # several tries before it expires
            else:
                held.expires_at = asked_at + lease_s
                held.renew_at = asked_at + lease_s / 3
                if not ours:
                    self._lost(held)

    def _lost(self, held: Held) -> None:
        self.forget(held)
        if not held.released:
            held.mark_lost()
            logger.error("Lost %s", held)

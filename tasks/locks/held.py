"""A lock that is held: its token, its end, and whether it is still ours."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from time import monotonic
from typing import Final, Self

from tasks.locks.errors import LockLost, LockNotOwned
from tasks.locks.metrics import lock_metrics


class Held:
    """What `with lock(...) as held` yields.

    `token` is the fencing token: larger than that of every earlier holder of these keys. Write it
    with the guarded row (`tasks.locks.fencing`). `lost` is set when the lock is no longer ours;
    wait on it, or call `check` before each step that matters.
    """

    def __init__(
        self,
        *,
        keys: tuple[str, ...],
        token: int,
        value: bytes,
        ttl_s: float,
        taken_at: float,
        max_hold_s: float | None,
        release: Callable[[Held], None],
    ) -> None:
        self.keys: Final = keys
        self.token: Final = token
        self.value: Final = value
        """As what the lock's key says in Redis that the lock is ours."""
        self.ttl_s: Final = ttl_s
        self.taken_at: Final = taken_at
        """`monotonic()` of when it was asked for."""
        self.until: Final = taken_at + max_hold_s if max_hold_s else float("inf")
        """`monotonic()` of its end, renewed or not."""
        self.expires_at = min(taken_at + ttl_s, self.until)
        """`monotonic()` until which Redis surely keeps it. The watchdog moves it on."""
        self.renew_at = taken_at + ttl_s / 3
        self._lost = False
        self.released = False
        self._release = release
        self._pid: Final = os.getpid()
        self._entered = 0

    @cached_property
    def lost(self) -> threading.Event:
        """Set once the lock is no longer ours. Made when first asked for: few ever ask."""
        event = threading.Event()
        # Kept first, then looked: `mark_lost` in another thread does it the other way round.
        self.__dict__["lost"] = event
        if self._lost:
            event.set()
        return event

    def mark_lost(self) -> None:
        if not self._lost:
            lock_metrics.was_lost()
        self._lost = True
        event = self.__dict__.get("lost")
        if event is not None:
            event.set()

    def check(self) -> None:
        """Raises `LockLost` when the lock isn't ours any more, `LockNotOwned` when it never was.

        Costs no round trip: it compares the clock with the newest renewal.
        """
        if self.released or self._pid != os.getpid():
            raise LockNotOwned(f"{self} is not held by this process.")
        self.check_time()

    def check_time(self) -> None:
        """The part of `check` that looks at the clock. Raises `LockLost`."""
        if self._lost or monotonic() >= self.expires_at:
            self.mark_lost()
            raise LockLost(f"{self} was lost.")

    @contextmanager
    def again(self) -> Iterator[Held]:
        """Enter once more what is already held; the lock goes with the outermost `with`.

        Reentrancy is said aloud: `lock()` of a key this thread holds would wait for itself.
        """
        self.check()
        with self:
            yield self

    def release(self) -> None:
        """Let go now. Raises `LockLost` when it was lost, `LockNotOwned` when not held.

        When Redis doesn't answer the lock expires by itself within its ttl.
        """
        if self.released or self._pid != os.getpid():
            raise LockNotOwned(f"{self} is not held by this process.")
        self.released = True
        self._release(self)

    def __enter__(self) -> Self:
        self._entered += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._entered -= 1
        # A forked child leaves its copy of the block too, but the lock is its parent's.
        if self._entered or self.released or self._pid != os.getpid():
            return
        try:
            self.release()
        except LockLost:
            if kind is None:  # what the body raised says more
                raise

    def __str__(self) -> str:
        return f"lock {', '.join(self.keys)} (token {self.token})"

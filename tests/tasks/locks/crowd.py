"""Threads that want a lock, and what became of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from redis import Redis

from tests.tasks.locks.waiting import until


class Waiter(threading.Thread):
    """Runs `body` in a thread; `outcome` is what it returned or raised."""

    def __init__(self, body: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._body = body
        self.outcome: object = None
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self._body()
        except Exception as error:
            self.outcome = error

    def result(self, within_s: float = 10) -> object:
        self.join(within_s)
        assert not self.is_alive(), "still waiting"
        return self.outcome


def queued(redis: Redis, key: str) -> int:
    """How many wait for the lock `key`."""
    return int(redis.zcard(f"{{lock:{key}}}:queue"))


def _has_queued(redis: Redis, key: str, count: int) -> bool:
    return queued(redis, key) == count


@contextmanager
def in_line(redis: Redis, key: str, *bodies: Callable[[], object]) -> Iterator[list[Waiter]]:
    """Each body's thread queues for `key` before the next one starts."""
    before = queued(redis, key)
    waiters = []
    for place, body in enumerate(bodies, start=before + 1):
        waiters.append(Waiter(body))
        until(partial(_has_queued, redis, key, place))
    yield waiters

"""The locks that are compared, each behind the same small door.

A contender is made inside the process that uses it. `section()` enters and leaves the lock once;
entering raises `NotEntered` when it didn't get in within `wait_s`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import psycopg
from redis import Redis

from tasks.locks import Locker, LockTimeout

TTL_S = 10


class NotEntered(Exception):
    """The wait ended without the lock."""


@dataclass(frozen=True, kw_only=True)
class Servers:
    redis_url: str
    dsn: str

    def redis(self) -> Redis:
        # Longer than any BLPOP of those who wait by it.
        return Redis.from_url(self.redis_url, socket_timeout=60)


Section = Callable[[Sequence[str], float], AbstractContextManager[object]]
"""Enter the keys' locks, in the order given, waiting for so many seconds at most."""

Contender = Callable[[Servers], Section]


def ours(servers: Servers) -> Section:
    locker = Locker(servers.redis())

    @contextmanager
    def section(keys: Sequence[str], wait_s: float) -> Iterator[None]:
        try:
            held = locker.lock_all(keys, TTL_S, wait_s)
        except LockTimeout as error:
            raise NotEntered from error
        with held:
            yield

    return section


def redis_py(servers: Servers) -> Section:
    client = servers.redis()

    @contextmanager
    def section(keys: Sequence[str], wait_s: float) -> Iterator[None]:
        with ExitStack() as stack:
            for key in keys:
                lock = client.lock(f"redis-py:{key}", timeout=TTL_S, blocking_timeout=wait_s)
                if not lock.acquire():
                    raise NotEntered
                stack.callback(lock.release)
            yield

    return section


def python_redis_lock(servers: Servers) -> Section:
    redis_lock: Any = import_module("redis_lock")

    client = servers.redis()

    @contextmanager
    def section(keys: Sequence[str], wait_s: float) -> Iterator[None]:
        with ExitStack() as stack:
            for key in keys:
                lock: Any = redis_lock.Lock(client, key, expire=TTL_S)
                if not lock.acquire(timeout=max(1, int(wait_s))):  # whole seconds only
                    raise NotEntered
                stack.callback(lock.release)
            yield

    return section


def pottery(servers: Servers) -> Section:
    redlock: Any = import_module("pottery").Redlock

    client = servers.redis()

    @contextmanager
    def section(keys: Sequence[str], wait_s: float) -> Iterator[None]:
        with ExitStack() as stack:
            for key in keys:
                lock: Any = redlock(key=key, masters={client}, auto_release_time=TTL_S)
                if not lock.acquire(timeout=wait_s):
                    raise NotEntered
                stack.callback(lock.release)
            yield

    return section


def advisory(servers: Servers) -> Section:
    """PostgreSQL's advisory locks; one session a process."""
    connection = psycopg.connect(servers.dsn, autocommit=True, prepare_threshold=1)

    @contextmanager
    def section(keys: Sequence[str], wait_s: float) -> Iterator[None]:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{wait_s * 1000:.0f}"])
        with ExitStack() as stack:
            for key in keys:
                try:
                    connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [key])
                except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
                    raise NotEntered from error
                stack.callback(connection.execute, "SELECT pg_advisory_unlock(hashtext(%s))", [key])
            yield

    return section


def baton(servers: Servers) -> Section:
    """No lock at all: a token passed from hand to hand by BLPOP, the physical limit of waiting."""
    client = servers.redis()

    @contextmanager
    def section(keys: Sequence[str], wait_s: float) -> Iterator[None]:
        if client.blpop([f"baton:{keys[0]}"], timeout=wait_s) is None:
            raise NotEntered
        try:
            yield
        finally:
            client.rpush(f"baton:{keys[0]}", "go")

    return section


CONTENDERS: dict[str, Contender] = {
    "ours": ours,
    "redis-py": redis_py,
    "python-redis-lock": python_redis_lock,
    "pottery": pottery,
    "pg advisory": advisory,
}

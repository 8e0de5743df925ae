"""redis-py's `Lock`, with our engine: the class to change over to without changing the code.

    client.lock("report", timeout=30, lock_class=tasks.locks.Lock)   # redis-py
    Lock(get_redis_connection("default"), "report", timeout=30)      # django-redis

Same constructor, methods and errors, and the same key holding a plain string, so it excludes
redis-py's own `Lock` and other `SET NX PX` code on that key. What differs:

- Waiters are served in order and woken; `sleep` is not needed. (Behind a foreign holder, who wakes
  nobody, they look every 50 ms.)
- `timeout=None` is renewed while the process lives, instead of staying for ever when it dies.
- `fence` is the fencing token of what this thread holds.
- Redis being down raises `LockUnavailable`, a `LockError`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from redis import Redis
from redis.connection import ConnectionPool
from redis.lock import Lock as RedisPyLock

from tasks.locks.errors import LockError, LockNotOwned, LockTimeout
from tasks.locks.held import Held
from tasks.locks.locker import Locker
from tasks.locks.wires import Client

RENEWED_TTL_S = 30.0
"""How long after its holder's death a lock without a timeout is free again, in seconds."""


class Lock(RedisPyLock):
    """See the module's docstring and `redis.lock.Lock`."""

    def register_scripts(self) -> None:
        """Our scripts are loaded by our connections."""

    @property
    def fence(self) -> int:
        """The fencing token. Raises `LockNotOwned` when this thread doesn't hold the lock."""
        held = self._held()
        if held is None or held.value != self.local.token:
            raise LockNotOwned(f"{self.name} is not held here.")
        return held.token

    def acquire(
        self,
        sleep: float | None = None,
        blocking: bool | None = None,
        blocking_timeout: float | None = None,
        token: str | bytes | None = None,
    ) -> bool:
        """True once it is held; False when it wasn't free in time. Raises `LockUnavailable`."""
        patient = self.blocking if blocking is None else blocking
        wait_s = self.blocking_timeout if blocking_timeout is None else blocking_timeout
        try:
            held = self._locker().take(
                (self._key(),),
                ttl_s=self.timeout or RENEWED_TTL_S,
                wait_s=wait_s if patient else 0,
                renewed=not self.timeout,
                exact_owner=None if token is None else self.redis.get_encoder().encode(token),
            )
        except LockTimeout:
            return False
        self.local.token, self.local.held = held.value, held
        return True

    def do_release(self, expected_token: Any) -> None:
        held = self._held()
        if held is not None and held.value == expected_token and not held.released:
            held.release()
        elif not self._locker().release_value((self._key(),), expected_token):
            raise LockNotOwned(f"{self.name} is no longer owned.")

    def do_extend(self, additional_time: float, replace_ttl: bool) -> Literal[True]:
        return self._renew(additional_time, add=not replace_ttl)

    def do_reacquire(self) -> Literal[True]:
        if self.timeout is None:
            raise LockError(f"{self.name} has no timeout to go back to.")
        return self._renew(self.timeout, add=False)

    def _renew(self, lease_s: float, *, add: bool) -> Literal[True]:
        token: Any = self.local.token
        if not self._locker().renew_value((self._key(),), token, lease_s, add=add):
            raise LockNotOwned(f"{self.name} is no longer owned.")
        return True

    def _held(self) -> Held | None:
        return getattr(self.local, "held", None)

    def _key(self) -> str:
        name: str | bytes = self.name  # redis-py takes both
        return name.decode() if isinstance(name, bytes) else name

    def _locker(self) -> Locker:
        return _locker_of(self.redis)


def _locker_of(client: Client) -> Locker:
    """One for all clients of a pool: django-redis makes a client for each thread."""
    pool: ConnectionPool | None = getattr(client, "connection_pool", None)
    return _locker_with(client) if pool is None else _locker_at(pool)


@lru_cache(maxsize=64)
def _locker_at(pool: ConnectionPool) -> Locker:
    return Locker(Redis(connection_pool=pool))


@lru_cache(maxsize=64)
def _locker_with(client: Client) -> Locker:
    """Of a Redis Cluster, whose client has a pool for each node."""
    return Locker(client)

"""`cache.lock("report", timeout=30)` of django-redis, with our engine.

    CACHES = {"default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "OPTIONS": {"CLIENT_CLASS": "tasks.locks.django_redis.LockClient"},
        ...

Same call, same key (the cache's own, `shop:1:report`), so it and django-redis' usual lock exclude
each other. `tasks.locks.redis_py` says what differs. `IGNORE_EXCEPTIONS` lets a cache be empty
while Redis is down, but never lets anybody into a lock.
"""

from __future__ import annotations

from collections.abc import Callable

from django_redis.client import DefaultClient

from tasks.locks.redis_py import Lock
from tasks.locks.wires import Client


class OurLocks:
    """Put it before django-redis' client class, as `class Mine(OurLocks, SentinelClient)`."""

    get_client: Callable[..., Client]
    make_key: Callable[..., str]

    def lock(
        self,
        key: str,
        version: int | None = None,
        timeout: float | None = None,
        sleep: float = 0.1,
        blocking: bool = True,
        blocking_timeout: float | None = None,
        client: Client | None = None,
        thread_local: bool = True,
    ) -> Lock:
        """As `DefaultClient.lock`: times are seconds, nothing is asked of Redis yet."""
        return Lock(
            client or self.get_client(write=True),
            self.make_key(key, version=version),
            timeout=timeout,
            sleep=sleep,
            blocking=blocking,
            blocking_timeout=blocking_timeout,
            thread_local=thread_local,
        )


class LockClient(OurLocks, DefaultClient):  # type: ignore[misc]  # django-redis ships no types
    """django-redis' usual client with our locks."""

"""`cache.lock` is our lock, under the cache's own key."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.cache import caches
from django_redis.cache import RedisCache
from redis import Redis
from redis.exceptions import LockError
from redis.lock import Lock as RedisPyLock

from tasks.locks import Lock, LockUnavailable
from tests.tasks.locks.crowd import Waiter
from tests.tasks.locks.servers import PrivateRedis

OURS = "tasks.locks.django_redis.LockClient"
THEIRS = "django_redis.client.DefaultClient"


def cache_at(server: PrivateRedis, client_class: str = OURS, **options: Any) -> RedisCache:
    options = {"CLIENT_CLASS": client_class, **options}
    return RedisCache(server.url, {"KEY_PREFIX": "shop", "OPTIONS": options})


def test_given_a_cache_when_asked_for_a_lock_then_it_is_ours_at_the_caches_key(
    shared_redis: PrivateRedis, redis: Redis
) -> None:
    lock = cache_at(shared_redis).lock("report", timeout=30)

    assert isinstance(lock, Lock)
    with lock:
        assert lock.fence > 0
        assert 29_000 < redis.pttl("shop:1:report") <= 30_000
    assert not redis.exists("shop:1:report")


def test_given_a_version_then_it_is_another_lock(shared_redis: PrivateRedis, redis: Redis) -> None:
    one = cache_at(shared_redis)
    with one.lock("report", timeout=30), one.lock("report", version=2, timeout=30):
        assert redis.exists("shop:1:report", "shop:2:report") == 2


@pytest.mark.parametrize(("first", "second"), [(OURS, THEIRS), (THEIRS, OURS)])
def test_given_a_process_with_the_usual_client_then_the_two_exclude_each_other(
    shared_redis: PrivateRedis, redis: Redis, first: str, second: str
) -> None:
    def lock_of(kind: str, **options: Any) -> RedisPyLock:
        made: RedisPyLock = cache_at(shared_redis, kind).lock("report", timeout=10, **options)
        return made

    held = lock_of(first)
    held.acquire()
    assert not lock_of(second, blocking=False).acquire()
    assert not lock_of(second, blocking_timeout=0.05).acquire()
    waiter = Waiter(lambda: lock_of(second, blocking_timeout=5).acquire())
    held.release()

    assert waiter.result() is True


def test_given_a_client_for_each_thread_then_they_share_one_watchdog(
    shared_redis: PrivateRedis, redis: Redis
) -> None:
    def watchdogs() -> int:
        return sum(thread.name == "locks-watchdog" for thread in threading.enumerate())

    def take() -> None:
        with cache_at(shared_redis).lock("report"):
            pass

    take()
    before = watchdogs()
    for _ in range(5):
        assert Waiter(take).result() is None

    assert watchdogs() == before


def test_given_a_cache_that_ignores_errors_when_redis_is_down_then_nobody_gets_in(
    own_redis: PrivateRedis,
) -> None:
    forgiving = cache_at(own_redis, IGNORE_EXCEPTIONS=True)
    own_redis.stop()

    with pytest.raises(LockUnavailable):
        forgiving.lock("report", timeout=1).acquire()


def test_given_the_shops_settings_then_its_cache_gives_our_lock() -> None:
    cache: Any = caches["default"]
    lock = cache.lock("report", timeout=5, blocking=False)

    assert isinstance(lock, Lock)
    assert lock.acquire()
    assert lock.owned()
    lock.release()
    with pytest.raises(LockError):
        lock.release()

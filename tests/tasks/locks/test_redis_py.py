"""Our `Lock` does what redis-py's does, and the two exclude each other."""

from __future__ import annotations

import threading
import time

import pytest
from redis import Redis
from redis.exceptions import LockError, LockNotOwnedError
from redis.lock import Lock as RedisPyLock

from tasks.locks import Lock
from tests.tasks.locks.crowd import Waiter
from tests.tasks.locks.servers import PrivateRedis
from tests.tasks.locks.waiting import until

BOTH = pytest.mark.parametrize("kind", [Lock, RedisPyLock])


@BOTH
def test_given_either_class_then_it_behaves_the_same(redis: Redis, kind: type[RedisPyLock]) -> None:
    lock = kind(redis, "a", timeout=10)
    assert not lock.locked()
    assert lock.acquire()
    assert lock.locked()
    assert lock.owned()
    assert not kind(redis, "a", timeout=10).owned()
    assert not kind(redis, "a", blocking=False).acquire()
    assert not kind(redis, "a").acquire(blocking_timeout=0.05)
    assert lock.extend(10)
    assert redis.pttl("a") > 19_000
    assert lock.extend(5, replace_ttl=True)
    assert redis.pttl("a") <= 5000
    assert lock.reacquire()
    assert 5000 < redis.pttl("a") <= 10_000
    lock.release()
    assert not lock.locked()
    with pytest.raises(LockError):
        lock.release()
    with pytest.raises(LockError):
        lock.extend(1)


@BOTH
def test_given_a_lock_taken_away_then_it_is_not_owned(
    redis: Redis, kind: type[RedisPyLock]
) -> None:
    lock = kind(redis, "a", timeout=10)
    lock.acquire()
    redis.set("a", "somebody else")

    assert not lock.owned()
    for act in (lambda: lock.extend(1), lock.reacquire, lock.release):
        with pytest.raises(LockNotOwnedError):
            act()
    assert redis.get("a") == b"somebody else"


@BOTH
def test_given_a_lost_lock_when_asked_not_to_raise_then_the_block_ends_quietly(
    redis: Redis, kind: type[RedisPyLock]
) -> None:
    with kind(redis, "a", timeout=10, raise_on_release_error=False):
        redis.delete("a")


@BOTH
def test_given_a_token_then_another_instance_can_release_by_it(
    redis: Redis, kind: type[RedisPyLock]
) -> None:
    kind(redis, "a", timeout=10).acquire(token="mine")
    other = kind(redis, "a", timeout=10, thread_local=False)
    other.local.token = b"mine"

    assert redis.get("a") == b"mine"
    assert other.owned()
    other.release()
    assert not redis.exists("a")


@BOTH
def test_given_thread_local_then_another_thread_does_not_own_it(
    redis: Redis, kind: type[RedisPyLock]
) -> None:
    lock = kind(redis, "a", timeout=10)
    lock.local.token = None
    assert lock.acquire()
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(getattr(lock.local, "token", None)))
    thread.start()
    thread.join()

    assert seen == [None]
    lock.release()


@pytest.mark.parametrize(("first", "second"), [(Lock, RedisPyLock), (RedisPyLock, Lock)])
def test_given_one_class_holds_then_the_other_waits(
    redis: Redis, first: type[RedisPyLock], second: type[RedisPyLock]
) -> None:
    lock = first(redis, "a", timeout=10)
    lock.acquire()
    assert not second(redis, "a", timeout=10).acquire(blocking=False)
    waiter = Waiter(lambda: second(redis, "a", timeout=10, blocking_timeout=5).acquire())
    lock.release()

    assert waiter.result() is True


def test_given_a_timeout_then_it_ends_unless_extended(redis: Redis) -> None:
    lock = Lock(redis, "a", timeout=0.1)
    lock.acquire()

    until(lambda: not lock.owned(), within_s=1)


def test_given_no_timeout_then_it_is_renewed_and_not_left_for_ever(redis: Redis) -> None:
    with Lock(redis, "a"):
        assert 0 < redis.pttl("a") <= 30_000


def test_given_an_acquisition_then_its_fence_grows(redis: Redis) -> None:
    lock = Lock(redis, "a", timeout=10)
    with lock:
        first = lock.fence
    with lock:
        assert lock.fence > first
    with pytest.raises(LockNotOwnedError):
        _ = lock.fence


def test_given_a_client_of_strings_then_all_works(shared_redis: PrivateRedis, redis: Redis) -> None:
    client = shared_redis.client(decode_responses=True, protocol=2)
    lock = client.lock("a", timeout=10, lock_class=Lock)
    with lock:
        assert lock.owned()
        assert lock.locked()
    assert not redis.exists("a")


def test_given_redis_is_down_then_acquire_says_so(own_redis: PrivateRedis) -> None:
    lock = Lock(own_redis.client(), "a", timeout=1)
    own_redis.stop()
    began = time.monotonic()

    with pytest.raises(LockError):
        lock.acquire()
    assert time.monotonic() - began < 1

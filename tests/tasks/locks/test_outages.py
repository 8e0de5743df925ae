"""When Redis is down, slow, read-only, loading or forgetful: nobody gets in, and soon."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import BusyLoadingError, RedisError

from tasks.locks import Locker, LockError, LockLost, LockUnavailable
from tasks.locks.timing import Timing
from tests.tasks.locks.crowd import Waiter, in_line, queued
from tests.tasks.locks.servers import PrivateRedis
from tests.tasks.locks.waiting import until


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def test_given_redis_is_down_then_it_is_unavailable_at_once(own_redis: PrivateRedis) -> None:
    locker = Locker(own_redis.client(), timing=Timing(socket_timeout_s=0.3))
    own_redis.stop()

    with within(0.3), pytest.raises(LockUnavailable):
        locker.lock("a")


def test_given_redis_stalls_then_it_is_unavailable_within_the_timeout(
    own_redis: PrivateRedis,
) -> None:
    locker = Locker(own_redis.client(), timing=Timing(socket_timeout_s=0.3))
    locker.lock("a").release()
    own_redis.freeze()

    with within(0.6), pytest.raises(LockUnavailable):
        locker.lock("a")


def test_given_redis_stalls_when_waiting_then_the_wait_ends_in_time(
    own_redis: PrivateRedis,
) -> None:
    holder = Locker(own_redis.client()).lock("a", ttl=60)
    waiter = Waiter(
        lambda: Locker(own_redis.client(), timing=Timing(socket_timeout_s=5)).lock("a", wait=0.5)
    )
    until(lambda: queued(own_redis.client(), "a") == 1)
    own_redis.freeze()

    with within(0.9):
        assert isinstance(waiter.result(), LockError)
    own_redis.thaw()
    holder.release()


def test_given_a_read_only_replica_then_it_is_unavailable(own_redis: PrivateRedis) -> None:
    locker = Locker(own_redis.client())
    own_redis.client().replicaof("127.0.0.1", "1")

    with within(2), pytest.raises(LockUnavailable, match="READONLY"):
        locker.lock("a")

    own_redis.client().replicaof("NO", "ONE")
    locker.lock("a").release()


class LoadingRedis(PrivateRedis):
    """Counts as started while it still reads what it had saved, which takes it some seconds."""

    def __init__(self, folder: Path) -> None:
        slow = ["--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024"]
        super().__init__(folder, options=slow)

    def _answers(self) -> bool:
        try:
            self.client().ping()
        except BusyLoadingError:
            return True
        except RedisError:
            pass
        return False


def test_given_redis_is_loading_then_it_is_unavailable_and_later_not(
    own_redis: PrivateRedis, tmp_path: Path
) -> None:
    own_redis.client().mset({f"key:{number}": "x" * 100 for number in range(1000)})
    own_redis.client().save()
    own_redis.stop()
    loading = LoadingRedis(tmp_path)
    locker = Locker(loading.client())

    with within(2), pytest.raises(LockUnavailable, match="loading"):
        locker.lock("a", wait=0)

    until(lambda: _taken(locker))
    loading.stop()
    own_redis.start()


def _taken(locker: Locker) -> bool:
    try:
        locker.lock("a", wait=0).release()
    except LockUnavailable:
        return False
    return True


def test_given_redis_is_full_then_it_is_unavailable_and_a_held_lock_can_go(
    own_redis: PrivateRedis,
) -> None:
    locker = Locker(own_redis.client())
    held = locker.lock("held")
    own_redis.client().config_set("maxmemory", "1")

    with pytest.raises(LockUnavailable, match="OOM"):
        locker.lock("a")
    held.release()


def test_given_scripts_are_flushed_then_they_are_loaded_again(locker: Locker, redis: Redis) -> None:
    with locker.lock("a"):
        redis.script_flush()
    with locker.lock("a") as held:
        redis.script_flush()
        assert locker.renew(held, 30)


def test_given_a_key_of_another_kind_then_it_says_so(locker: Locker, redis: Redis) -> None:
    redis.rpush("lock:a", "not a lock")

    with pytest.raises(LockError, match="something else"):
        locker.lock("a", wait=0)


def test_given_connections_are_killed_when_idle_then_nobody_notices(
    locker: Locker, redis: Redis
) -> None:
    with locker.lock("a"):
        redis.client_kill_filter(_type="pubsub")


def test_given_a_waiters_connection_is_killed_then_it_keeps_its_place(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    order: list[str] = []

    def take(name: str) -> Callable[[], None]:
        def body() -> None:
            with new_locker().lock("a", wait=10):
                order.append(name)

        return body

    held = new_locker().lock("a")
    with in_line(redis, "a", take("first"), take("second")) as waiters:
        redis.client_kill_filter(_type="pubsub")
        until(lambda: len(redis.client_list(_type="pubsub")) == 2)
        held.release()
    for waiter in waiters:
        waiter.result()

    assert order == ["first", "second"]


def test_given_a_flush_then_waiters_are_back_in_order_and_tokens_grow(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    tokens: list[tuple[int, str]] = []

    def take(name: str) -> Callable[[], None]:
        def body() -> None:
            with new_locker().lock("a", wait=10) as held:
                tokens.append((held.token, name))

        return body

    held = new_locker().lock("a")
    with in_line(redis, "a", take("first"), take("second")) as waiters:
        redis.set("blocker", 1)
        redis.flushall()
        redis.set("lock:a", "plain")  # until both have come back to the line
        until(lambda: queued(redis, "a") == 2)
        redis.delete("lock:a")
    for waiter in waiters:
        waiter.result()

    assert tokens == sorted(tokens)
    assert [name for _, name in tokens] == ["first", "second"]
    assert tokens[0][0] > held.token
    with pytest.raises(LockLost):
        held.release()


def test_given_a_restart_without_persistence_then_tokens_grow(own_redis: PrivateRedis) -> None:
    locker = Locker(own_redis.client())
    tokens = []
    for _ in range(3):
        with locker.lock("a") as held:
            tokens.append(held.token)
        own_redis.restart()

    assert tokens == sorted(set(tokens))


def test_given_a_clock_set_back_then_tokens_grow(locker: Locker, redis: Redis) -> None:
    tomorrow_us = int(time.time() + 86_400) * 1_000_000
    redis.set("{lock:a}:fence", tomorrow_us)

    tokens = [locker.lock("a").token]
    assert redis.pttl("{lock:a}:fence") > 86_000_000
    redis.delete("lock:a")
    tokens.append(locker.lock("a").token)

    assert tokens == [tomorrow_us + 1, tomorrow_us + 2]


def test_given_a_killed_waiter_then_the_one_behind_it_is_in_at_once(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    held = new_locker().lock("a")
    doomed = get_context("fork").Process(target=lambda: new_locker().lock("a", wait=60))
    doomed.start()
    until(lambda: queued(redis, "a") == 1)
    with in_line(redis, "a", lambda: new_locker().lock("a", wait=10)) as [waiter]:
        doomed.kill()
        doomed.join()
        with within(0.1):
            held.release()
            waiter.result()


def test_given_a_dead_holder_and_a_dead_waiter_then_the_next_is_in_and_out_of_line(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    redis.set("lock:a", "lk1|x|gone|1||1", px=700)
    doomed = get_context("fork").Process(target=lambda: new_locker().lock("a", wait=60))
    doomed.start()
    until(lambda: queued(redis, "a") == 1)
    with in_line(redis, "a", lambda: new_locker().lock("a", wait=10)) as [waiter]:
        doomed.kill()
        doomed.join()

    waiter.result()
    assert queued(redis, "a") == 0


@pytest.mark.parametrize("stopped_for_s", [0.0, 0.4])
def test_given_a_stopped_waiter_then_the_one_behind_it_is_in_within_the_stated_time(
    redis: Redis, stopped_for_s: float
) -> None:
    def quick() -> Locker:
        return Locker(redis, timing=Timing(waiter_lease_s=0.3, grant_s=0.3))

    held = quick().lock("a")
    stopped = get_context("fork").Process(target=lambda: quick().lock("a", ttl=60, wait=60))
    stopped.start()
    assert stopped.pid
    until(lambda: queued(redis, "a") == 1)
    with in_line(redis, "a", lambda: quick().lock("a", wait=10)) as [waiter]:
        os.kill(stopped.pid, signal.SIGSTOP)
        end = time.monotonic() + stopped_for_s
        until(lambda: time.monotonic() > end)
        with within(0.3 + 0.1 + 0.2):  # grant_s, then asked again after a third of the lease
            held.release()
            waiter.result()
    stopped.kill()
    stopped.join()

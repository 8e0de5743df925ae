"""Renewal: as long as it is held, no longer, and never by a child."""

from __future__ import annotations

import os
import time
from multiprocessing import get_context

import pytest
from redis import Redis

from tasks.locks import Locker, LockLost, LockNotOwned
from tasks.locks.timing import Timing
from tests.tasks.locks.servers import PrivateRedis
from tests.tasks.locks.waiting import until


def test_given_a_short_ttl_when_held_for_longer_then_it_stays_ours(
    locker: Locker, redis: Redis
) -> None:
    with locker.lock("a", ttl=0.15) as held:
        end = time.monotonic() + 0.5
        until(lambda: time.monotonic() > end)

        held.check()
        assert redis.exists("lock:a")


def test_given_several_held_locks_then_one_thread_renews_them_all(locker: Locker) -> None:
    held = [locker.lock(f"key{number}", ttl=0.2 + number / 10) for number in range(5)]
    end = time.monotonic() + 0.8
    until(lambda: time.monotonic() > end)

    for one in held:
        one.check()
        one.release()


def test_given_a_lock_taken_away_then_lost_is_set_within_a_third_of_its_ttl(
    locker: Locker, redis: Redis
) -> None:
    held = locker.lock("a", ttl=0.3)
    redis.set("lock:a", "somebody else")

    assert held.lost.wait(0.3)
    with pytest.raises(LockLost):
        held.check()
    assert redis.get("lock:a") == b"somebody else"


def test_given_max_hold_when_it_is_over_then_the_lock_is_lost(locker: Locker, redis: Redis) -> None:
    began = time.monotonic()
    held = locker.lock("a", ttl=0.2, max_hold=0.5)

    assert held.lost.wait(2)
    assert 0.4 < time.monotonic() - began < 0.8
    until(lambda: not redis.exists("lock:a"))


def test_given_a_redis_that_stays_down_then_the_lock_is_lost_when_its_time_is_over(
    own_redis: PrivateRedis,
) -> None:
    held = Locker(own_redis.client(), timing=Timing(socket_timeout_s=0.1)).lock("a", ttl=0.5)
    held.check()
    own_redis.stop()

    assert held.lost.wait(1)
    own_redis.start()


def test_given_a_redis_that_comes_back_in_time_then_the_lock_is_kept(
    own_redis: PrivateRedis,
) -> None:
    held = Locker(own_redis.client(), timing=Timing(socket_timeout_s=0.1)).lock("a", ttl=1.5)
    own_redis.freeze()
    assert not held.lost.wait(0.8)
    own_redis.thaw()
    end = time.monotonic() + 1

    until(lambda: time.monotonic() > end)

    held.check()
    held.release()


def test_given_a_forked_child_then_it_neither_renews_nor_releases_its_parents_lock(
    locker: Locker, redis: Redis
) -> None:
    def child() -> None:
        try:
            with held:
                held.check()
        except LockNotOwned:
            with locker.lock("b", wait=0):  # its own locks work
                os._exit(0)
        os._exit(1)

    held = locker.lock("a", ttl=5)
    process = get_context("fork").Process(target=child)
    process.start()
    process.join(10)

    assert process.exitcode == 0
    held.check()
    held.release()

"""What operators see, and what they can do about it."""

from __future__ import annotations

import os
from collections.abc import Callable
from uuid import uuid4

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.context import CurrentJob, running
from tasks.locks import Locker, LockLost, LockUnavailable
from tasks.locks.inspection import LINE_SHOWN, LockInfo, find_locks, lock_info
from tasks.locks.metrics import lock_metrics
from tests.tasks.locks.crowd import in_line
from tests.tasks.locks.servers import PrivateRedis


def the_only(locker: Locker) -> LockInfo:
    [lock] = find_locks(locker, limit=9).locks
    return lock


def keys(locker: Locker, key: str = "") -> list[str]:
    return [lock.key for lock in find_locks(locker, key=key, limit=9).locks]


def test_given_a_job_that_holds_a_lock_then_its_host_pid_job_and_token_show(
    locker: Locker,
) -> None:
    job = CurrentJob(id=uuid4(), attempt=1, task="t", correlation_id="", worker="w")

    with running(job), locker.lock("stock:1", ttl=30) as held:
        lock = the_only(locker)

    assert lock.key == "stock:1"
    [holder] = lock.holders
    assert holder.owner is not None
    assert (holder.owner.pid, holder.owner.job) == (os.getpid(), str(job.id))
    assert holder.owner.token == held.token
    assert holder.age_s is not None
    assert 0 <= holder.age_s < 1
    assert holder.ttl_s is not None
    assert 29 < holder.ttl_s <= 30


def test_given_waiters_then_they_show_in_the_order_of_their_turn(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    def wait() -> None:
        new_locker().lock("a", wait=5).release()

    with new_locker().lock("a"), in_line(redis, "a", wait, wait):
        info = lock_info(new_locker(), "a")

    assert info is not None
    first, second = info.waiters
    assert first.owner and first.owner.pid == os.getpid()
    assert first.waiting_s >= second.waiting_s
    assert info.waiting == 2


def test_given_a_line_longer_than_a_page_then_its_beginning_shows_and_all_are_counted(
    locker: Locker, redis: Redis
) -> None:
    with locker.lock("a"):
        redis.zadd("{lock:a}:queue", {f"waiter{place}": place for place in range(LINE_SHOWN + 7)})
        lock = the_only(locker)

    assert (len(lock.waiters), lock.waiting) == (LINE_SHOWN, LINE_SHOWN + 7)


def test_given_more_locks_than_asked_for_then_it_says_so(locker: Locker) -> None:
    with locker.lock_all([f"key{number}" for number in range(5)]):
        few, all_ = find_locks(locker, limit=4), find_locks(locker, limit=5)

    assert (len(few.locks), few.complete) == (4, False)
    assert ([lock.key for lock in all_.locks], all_.complete) == (
        ["key0", "key1", "key2", "key3", "key4"],
        True,
    )


def test_given_redis_is_down_when_looked_at_then_it_says_so(own_redis: PrivateRedis) -> None:
    locker = Locker(own_redis.client(retry=Retry(NoBackoff(), 0)))
    own_redis.stop()

    with pytest.raises(LockUnavailable):
        find_locks(locker, limit=9)
    with pytest.raises(LockUnavailable):
        lock_info(locker, "a")


def test_given_a_foreign_lock_then_it_shows_as_such(locker: Locker, redis: Redis) -> None:
    redis.set("lock:a", "plain")

    [holder] = the_only(locker).holders
    assert (holder.owner, holder.ttl_s, holder.value) == (None, None, "plain")


def test_given_a_key_with_a_hash_tag_then_only_the_lock_itself_shows(locker: Locker) -> None:
    with locker.lock("order:{42}:stock"):
        assert keys(locker) == ["order:{42}:stock"]


def test_given_special_letters_in_keys_then_only_the_wanted_show(locker: Locker) -> None:
    with locker.lock_all(["a*b", "axb", "other"]):
        assert keys(locker, "a*b") == ["a*b"]


def test_given_locks_then_the_metrics_count_them(locker: Locker, redis: Redis) -> None:
    before = (lock_metrics.acquired, lock_metrics.lost, sum(lock_metrics.hold_s.counts))

    locker.lock("a").release()
    with pytest.raises(LockLost), locker.lock("a"):
        redis.delete("lock:a")

    after = (lock_metrics.acquired, lock_metrics.lost, sum(lock_metrics.hold_s.counts))
    assert [new - old for old, new in zip(before, after, strict=True)] == [2, 1, 2]


def test_given_readers_together_then_each_of_them_shows(new_locker: Callable[[], Locker]) -> None:
    first = new_locker().lock("a", ttl=30, shared=True)
    second = new_locker().lock("a", ttl=20, shared=True)

    info = lock_info(new_locker(), "a")

    assert info is not None
    assert [holder.owner and holder.owner.token for holder in info.holders] == [
        first.token,
        second.token,
    ]
    longer, shorter = (holder.ttl_s for holder in info.holders)
    assert longer is not None
    assert shorter is not None
    assert 29 < longer <= 30
    assert 19 < shorter <= 20

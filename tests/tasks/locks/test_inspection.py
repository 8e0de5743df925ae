"""What operators see, and what they can do about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from redis import Redis

from tasks.context import CurrentJob, running
from tasks.locks import Locker, LockLost
from tasks.locks.inspection import force_release, held_locks, lock_info
from tasks.locks.metrics import lock_metrics
from tests.tasks.locks.crowd import in_line
from tests.tasks.locks.servers import PrivateRedis


@pytest.fixture
def _default_redis(shared_redis: PrivateRedis, redis: Redis) -> Iterator[None]:
    with override_settings(LOCKS_REDIS_URL=shared_redis.url):
        yield


def run(*args: str) -> str:
    out = StringIO()
    call_command("locks", *args, stdout=out)
    return out.getvalue()


def test_given_a_job_that_holds_a_lock_then_its_host_pid_job_and_token_show(
    locker: Locker,
) -> None:
    job = CurrentJob(id=uuid4(), attempt=1, task="t", correlation_id="", worker="w")

    with running(job), locker.lock("stock:1", ttl=30) as held:
        [lock] = held_locks(locker)

    assert lock.key == "stock:1"
    assert lock.owner is not None
    assert (lock.owner.pid, lock.owner.job) == (os.getpid(), str(job.id))
    assert lock.owner.token == held.token
    assert lock.age_s is not None
    assert 0 <= lock.age_s < 1
    assert lock.ttl_s is not None
    assert 29 < lock.ttl_s <= 30


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


def test_given_a_foreign_lock_then_it_shows_as_such(locker: Locker, redis: Redis) -> None:
    redis.set("lock:a", "plain")

    [lock] = held_locks(locker)

    assert (lock.owner, lock.ttl_s, lock.value) == (None, None, "plain")


def test_given_a_key_with_a_hash_tag_then_only_the_lock_itself_shows(locker: Locker) -> None:
    with locker.lock("order:{42}:stock"):
        assert [lock.key for lock in held_locks(locker)] == ["order:{42}:stock"]


def test_given_special_letters_in_keys_then_only_the_wanted_show(locker: Locker) -> None:
    with locker.lock_all(["a*b", "axb", "other"]):
        assert [lock.key for lock in held_locks(locker, key="a*b")] == ["a*b"]


def test_given_a_force_release_then_the_holder_has_lost_it_and_the_next_is_in(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    held = new_locker().lock("a")
    with in_line(redis, "a", lambda: new_locker().lock("a", wait=5)) as [waiter]:
        released = force_release(new_locker(), "a", by="user:3", reason="stuck")
    waiter.result()

    assert released is not None
    with pytest.raises(LockLost):
        held.release()


@pytest.mark.usefixtures("_default_redis")
def test_given_the_command_then_it_shows_and_releases(locker: Locker) -> None:
    held = locker.lock("stock:1")

    assert f"pid {os.getpid()}" in run()
    assert "0 held" in run("nothing-like-it")
    assert "Released: stock:1" in run("--release", "stock:1", "--reason", "test")
    assert "0 held" in run()
    with pytest.raises(CommandError, match="Nobody holds"):
        run("--release", "stock:1")
    with pytest.raises(LockLost):
        held.release()


def test_given_locks_then_the_metrics_count_them(locker: Locker, redis: Redis) -> None:
    before = (lock_metrics.acquired, lock_metrics.lost, sum(lock_metrics.hold_s.counts))

    locker.lock("a").release()
    with pytest.raises(LockLost), locker.lock("a"):
        redis.delete("lock:a")

    after = (lock_metrics.acquired, lock_metrics.lost, sum(lock_metrics.hold_s.counts))
    assert [new - old for old, new in zip(before, after, strict=True)] == [2, 1, 2]

"""Taking a lock away: from the holder that was looked at, and on record."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, transaction
from redis import Redis

from tasks.locks import Locker, LockLost, LockUnavailable
from tasks.locks.forcing import force_release
from tasks.locks.inspection import HolderInfo, lock_info
from tasks.models import AuditEntry
from tests.tasks.locks.crowd import in_line
from tests.tasks.locks.servers import PrivateRedis

pytestmark = pytest.mark.django_db


def holder_of(locker: Locker, key: str) -> HolderInfo:
    lock = lock_info(locker, key)
    assert lock is not None
    [holder] = lock.holders
    return holder


def release(locker: Locker, holder: HolderInfo) -> bool:
    return force_release(locker, "a", holder, actor="user:3", reason="stuck")


def test_given_a_force_release_then_the_holder_has_lost_it_and_the_next_is_in(
    new_locker: Callable[[], Locker], redis: Redis
) -> None:
    held = new_locker().lock("a")
    seen = holder_of(new_locker(), "a")
    with in_line(redis, "a", lambda: new_locker().lock("a", wait=5)) as [waiter]:
        assert release(new_locker(), seen)
    waiter.result()

    with pytest.raises(LockLost):
        held.release()
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == ("user:3", "lock.release")
    assert (entry.subject, entry.reason) == ("lock:a", "stuck")
    assert entry.details["outcome"] == "released"
    assert entry.details["holder"]["owner"]["token"] == held.token


def test_given_somebody_else_holds_it_by_now_then_they_keep_it_and_nothing_is_on_record(
    new_locker: Callable[[], Locker],
) -> None:
    first = new_locker().lock("a")
    seen = holder_of(new_locker(), "a")
    first.release()
    with new_locker().lock("a") as second:
        assert not release(new_locker(), seen)
        second.check()
    assert not AuditEntry.objects.exists()


def test_given_redis_is_down_then_nobody_knows_and_that_is_on_record(
    own_redis: PrivateRedis,
) -> None:
    locker = Locker(own_redis.client())
    locker.lock("a")
    seen = holder_of(locker, "a")
    own_redis.stop()

    with pytest.raises(LockUnavailable):
        release(locker, seen)
    assert AuditEntry.objects.get().details["outcome"] == "unknown"


def test_given_an_entry_that_can_not_be_written_then_the_lock_stays(locker: Locker) -> None:
    with locker.lock("a"):
        seen = holder_of(locker, "a")
        with pytest.raises(DatabaseError), transaction.atomic():
            force_release(locker, "a", seen, actor="x" * 1000)
        assert holder_of(locker, "a").value == seen.value


def test_given_readers_together_then_only_the_one_that_was_looked_at_loses_it(
    new_locker: Callable[[], Locker],
) -> None:
    first = new_locker().lock("a", shared=True)
    second = new_locker().lock("a", shared=True)
    lock = lock_info(new_locker(), "a")
    assert lock is not None
    assert release(new_locker(), lock.holders[0])
    with pytest.raises(LockLost):
        first.release()
    second.release()

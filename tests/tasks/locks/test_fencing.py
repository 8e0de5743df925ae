"""The row refuses whoever has lost the lock, even by a write that comes late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from django.db import connection, models
from redis import Redis

from tasks.locks import Locker, StaleFence
from tasks.locks.fencing import Fenced, fenced_update


class Guarded(Fenced):
    """A table of these tests alone."""

    objects: ClassVar[models.Manager[Guarded]] = models.Manager()
    amount = models.IntegerField(default=0)

    class Meta:
        app_label = "lock_tests"

    def __str__(self) -> str:
        return f"guarded {self.pk}"


@pytest.fixture
def row(transactional_db: None) -> Iterator[Guarded]:
    with connection.schema_editor() as editor:
        editor.create_model(Guarded)
    yield Guarded.objects.create()
    with connection.schema_editor() as editor:
        editor.delete_model(Guarded)


def test_given_a_newer_holder_has_written_when_an_older_one_writes_then_it_is_refused(
    row: Guarded,
) -> None:
    rows = Guarded.objects.filter(pk=row.pk)
    assert fenced_update(rows, token=2, amount=20) == 1

    with pytest.raises(StaleFence):
        fenced_update(rows, token=1, amount=10)

    row.refresh_from_db()
    assert (row.amount, row.fence) == (20, 2)


def test_given_the_same_holder_when_it_writes_again_then_it_may(row: Guarded) -> None:
    rows = Guarded.objects.filter(pk=row.pk)
    fenced_update(rows, token=2, amount=20)

    assert fenced_update(rows, token=2, amount=models.F("amount") + 1) == 1


def test_given_no_such_row_then_nothing_is_written_and_nothing_is_stale(row: Guarded) -> None:
    assert fenced_update(Guarded.objects.filter(pk=row.pk + 1), token=1, amount=1) == 0


def test_given_a_stopped_holder_when_it_writes_late_then_it_is_refused_500_of_500(
    row: Guarded, redis: Redis, locker: Locker
) -> None:
    rows = Guarded.objects.filter(pk=row.pk)
    refused = 0
    for _ in range(500):
        stopped = locker.take(("lock:row",), ttl_s=60, wait_s=0, renewed=False)
        redis.delete("lock:row")  # as if its ttl were over
        with locker.lock("row", wait=0) as held:
            fenced_update(rows, token=held.token, amount=1)
        with pytest.raises(StaleFence):
            fenced_update(rows, token=stopped.token, amount=2)
        refused += 1

    row.refresh_from_db()
    assert (refused, row.amount) == (500, 1)

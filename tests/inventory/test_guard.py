"""Locks that are gone, lost or late: nothing is written that should not be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis
from django.conf import settings as configured
from django.db import transaction
from pytest_django.fixtures import Settings

from inventory import guard, reservations, stock
from inventory.models import Product, Stock
from tasks.locks import Held, LockTimeout, LockUnavailable, StaleFence, lock
from tests.inventory import makers

DEAD_REDIS = "redis://127.0.0.1:1/0"  # nobody listens on port 1


def lose(held: Held) -> None:
    """Redis forgets the lock, as in a fail-over."""
    with redis.Redis.from_url(configured.LOCKS_REDIS_URL) as client:
        client.delete(*held.keys)


@pytest.fixture
def redis_down(settings: Settings) -> Settings:
    settings.LOCKS_REDIS_URL = DEAD_REDIS
    return settings


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "write",
    [
        lambda mug: makers.reserve("order:2", mug),
        lambda mug: stock.receive(product_id=mug.pk, quantity=1, reference="delivery:2"),
        lambda mug: stock.adjust(product_id=mug.pk, quantity=-1, reference="count:1", actor="ann"),
    ],
    ids=["reserve", "receive", "adjust"],
)
def test_given_a_lock_that_went_to_somebody_else_when_the_late_one_writes_then_it_is_refused(
    write: Callable[[Product], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = makers.product(on_hand=10)
    late = lock(f"stock:{mug.pk}")
    lose(late)
    makers.reserve("order:1", mug)
    monkeypatch.setattr(guard, "lock_all", lambda *_, **__: late)  # it wakes up
    monkeypatch.setattr(guard, "combine", lambda _, request, serve, **__: serve(late, [request]))
    with pytest.raises(StaleFence):
        write(mug)
    assert makers.shelf(mug) == (10, 2)
    assert makers.states("order:2") == []


@pytest.mark.django_db(transaction=True)
def test_given_a_stale_holder_when_others_settle_then_the_fence_is_left_alone() -> None:
    mug = makers.product(on_hand=10)
    makers.reserve("order:1", mug)
    makers.reserve("order:2", mug)
    fence = Stock.objects.get(product=mug).fence
    reservations.commit(reference="order:1")
    reservations.release(reference="order:2")
    reservations.return_goods(reference="order:1")
    assert Stock.objects.get(product=mug).fence == fence


@pytest.mark.django_db(transaction=True)
def test_given_a_lock_lost_during_the_commit_when_it_is_let_go_then_the_write_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mug = makers.product(on_hand=10)
    held = lock(f"stock:{mug.pk}")
    monkeypatch.setattr(guard, "lock_all", lambda *_, **__: held)
    lose(held)  # noticed only when it is let go, after the COMMIT
    stock.receive(product_id=mug.pk, quantity=5, reference="delivery:2")
    assert makers.shelf(mug) == (15, 0)


@pytest.mark.django_db(transaction=True)
def test_given_a_transaction_that_outlives_the_lock_when_reserved_then_it_is_refused() -> None:
    mug = makers.product(on_hand=10)
    with pytest.raises(RuntimeError), transaction.atomic():
        makers.reserve("order:1", mug)
    makers.reserve("order:2", mug)


@pytest.mark.django_db(transaction=True)
def test_given_a_crowded_product_when_the_wait_is_over_then_it_times_out() -> None:
    mug = makers.product(on_hand=10)
    key = f"stock:{mug.pk}"
    with lock(key), pytest.raises(LockTimeout), guard.holding([key], wait_s=0):
        pytest.fail("somebody else holds it")


@pytest.mark.django_db(transaction=True)
def test_given_redis_is_down_when_reserved_then_nothing_is_decided(
    redis_down: Settings,
) -> None:
    mug = makers.product(on_hand=0)
    with pytest.raises(LockUnavailable):
        makers.reserve("order:1", mug)
    with pytest.raises(LockUnavailable):
        stock.receive(product_id=mug.pk, quantity=1, reference="delivery:2")
    assert not Stock.objects.filter(product=mug).exists()


@pytest.mark.django_db(transaction=True)
def test_given_redis_is_down_when_promises_are_settled_then_they_are(
    settings: Settings,
) -> None:
    mug = makers.product(on_hand=10)
    for number in (1, 2, 3):
        makers.reserve(f"order:{number}", mug)
    settings.LOCKS_REDIS_URL = DEAD_REDIS
    makers.expire("order:3")
    assert reservations.commit(reference="order:1")
    assert reservations.release(reference="order:2")
    assert reservations.release_expired() == 1
    assert reservations.return_goods(reference="order:1") == 2
    assert makers.shelf(mug) == (10, 0)
    makers.assert_sums([mug])

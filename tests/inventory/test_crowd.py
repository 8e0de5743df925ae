"""Everybody at once: nothing is oversold, nothing is lost, nobody waits for ever."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest
from django.db import transaction

from inventory import reservations, stock
from inventory.errors import BelowReserved, OutOfStock
from inventory.models import Product, Reservation
from stack.services import Services
from tasks.locks import LockLost, LockTimeout, LockUnavailable, StaleFence
from tests.inventory import makers

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY_KNOWS = (LockLost, LockTimeout, LockUnavailable, StaleFence)
"""What a worker's job is retried after."""


def persistently_reserve(reference: str, *products: Product, quantity: int = 1) -> bool:
    """As a job with retries would. False: sold out."""
    while True:
        try:
            makers.reserve(reference, *products, quantity=quantity)
        except OutOfStock:
            return False
        except NOBODY_KNOWS:
            continue
        return True


def test_given_fewer_units_than_buyers_when_all_buy_at_once_then_exactly_those_are_sold() -> None:
    mug = makers.product(on_hand=20)
    won: list[str] = []

    def buy(first: int) -> None:
        for number in range(first, first + 10):
            reference = f"order:{number}"
            if persistently_reserve(reference, mug):
                assert reservations.commit(reference=reference)
                won.append(reference)

    errors = makers.at_once(*(partial(buy, first) for first in range(0, 80, 10)))
    assert errors == []
    assert len(won) == 20
    assert makers.shelf(mug) == (0, 0)
    assert makers.moved(mug, "sold") == -20


def test_given_one_reference_when_reserved_committed_and_released_at_once_then_it_counts_once() -> (
    None
):
    for number in range(10):
        mug, plate = makers.product(on_hand=5), makers.product(on_hand=5)
        reference = f"order:{number}"

        calls: list[Callable[..., object]] = [
            reservations.commit,
            reservations.release,
            reservations.return_goods,
        ]
        bodies: list[Callable[[], object]] = [partial(makers.reserve, reference, mug, plate)]
        bodies += [partial(call, reference=reference) for call in calls]
        assert makers.at_once(*bodies, *bodies) == []
        makers.assert_sums([mug, plate])
        assert len(set(makers.states(reference))) == 1
        assert makers.shelf(mug) == makers.shelf(plate)


def test_given_orders_of_many_products_when_all_cross_each_other_then_nobody_deadlocks() -> None:
    """Random baskets in random order, settled in transactions of their callers."""
    products = [makers.product(on_hand=30) for _ in range(4)]

    def shop(seed: int) -> None:
        dice = random.Random(seed)
        for number in range(12):
            reference = f"order:{seed}:{number}"
            basket = dice.sample(products, dice.randint(1, 4))
            ttl_s = dice.choice([0.0, 900.0])
            with suppress(OutOfStock, *NOBODY_KNOWS):
                makers.reserve(reference, *basket, quantity=dice.randint(1, 3), ttl_s=ttl_s)
            with transaction.atomic():
                settle = dice.choice([reservations.commit, reservations.release])
                settle(reference=reference)
            if dice.random() < 0.3:
                reservations.return_goods(reference=reference)

    def keep_stock() -> None:
        dice = random.Random(0)
        for number in range(20):
            product = dice.choice(products)
            with suppress(BelowReserved, *NOBODY_KNOWS):
                stock.adjust(
                    product_id=product.pk,
                    quantity=dice.choice([-2, 3]),
                    reference=f"count:{number}",
                    actor="ann",
                )
            reservations.release_expired()

    assert makers.at_once(*(partial(shop, seed) for seed in range(5)), keep_stock) == []
    makers.assert_sums(products)


@pytest.mark.chaos
def test_given_redis_is_flushed_again_and_again_when_a_crowd_buys_then_nothing_is_oversold(
    services: Services,
) -> None:
    mug, plate = makers.product(on_hand=40), makers.product(on_hand=40)

    def buy(seed: int) -> None:
        for number in range(15):
            reference = f"order:{seed}:{number}"
            if persistently_reserve(reference, mug, plate):
                assert reservations.commit(reference=reference)

    with flushing(services):
        errors = makers.at_once(*(partial(buy, seed) for seed in range(5)))
    assert errors == []
    assert makers.shelf(mug) == makers.shelf(plate) == (0, 0)
    assert Reservation.objects.filter(state="committed", stock__product=mug).count() == 40


@contextmanager
def flushing(services: Services) -> Iterator[None]:
    """FLUSHALL every few milliseconds."""
    done = threading.Event()

    def flush() -> None:
        with services.redis.client() as client:
            while not done.wait(0.02):
                client.flushall()

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()

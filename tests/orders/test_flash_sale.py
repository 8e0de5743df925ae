"""Many more want it than there is, and everything breaks meanwhile: exactly what is there is sold.

CI has a small crowd; `./run chaos` lets in ten thousand (`CHAOS_BUYERS`), a tenth of whom can buy.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from inventory.models import Product, Reservation, StockMovement
from orders.models import Order
from orders.states import UNPAID
from tests.orders import makers
from tests.orders.house import House
from tests.orders.test_storm import settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.chaos]

BUYERS = int(os.environ.get("CHAOS_BUYERS", "150"))
UNITS = BUYERS // 10
HANDS = 4
SLOWEST_PER_S = 10
DISASTERS = 4
"""The crowd is let in, in as many parts, with something broken after each."""

Wait = Callable[..., object]


def test_exactly_the_units_that_are_there_are_sold_and_all_others_are_told(
    house: House, wait_until: Wait
) -> None:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    print(f"CHAOS_SEED={seed}")  # noqa: T201  (pytest shows it when the test fails)
    mug = makers.product(on_hand=UNITS)
    for disaster in random.Random(seed).sample(house.disasters(), DISASTERS):
        let_in(mug, BUYERS // DISASTERS)
        disaster()
    let_in(mug, BUYERS - Order.objects.count())
    settle(wait_until, patience_s=240 + BUYERS / SLOWEST_PER_S)

    ended = Counter(Order.objects.values_list("state", flat=True))
    assert ended == {Order.State.CONFIRMED: UNITS, Order.State.FAILED: BUYERS - UNITS}
    failures = Order.objects.filter(state=Order.State.FAILED).values_list("failure", flat=True)
    assert set(failures.distinct()) == {f"Sold out: {mug.name} (0 left)."}
    assert makers.shelf(mug) == (0, 0)
    assert StockMovement.objects.filter(kind="sold").count() == UNITS
    states = Counter(Reservation.objects.values_list("state", flat=True))
    assert states == {"committed": UNITS, "released": BUYERS - UNITS}
    assert not Order.objects.filter(state__in=UNPAID).exists()


def let_in(mug: Product, count: int) -> None:
    """So many customers place their order, several at a time."""

    def place(share: range) -> None:
        try:
            for _ in share:
                makers.order(mug, quantity=1)
        finally:
            connection.close()

    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(place, [range(hand, count, HANDS) for hand in range(HANDS)]))

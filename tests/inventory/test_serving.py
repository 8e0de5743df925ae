"""Whoever decides, decides for all that wait."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from inventory import serving
from inventory.errors import OutOfStock
from inventory.models import Product, Reservation
from inventory.reservations import Wanted, ask, commit, release
from stack.services import Services
from tests.inventory import makers

pytestmark = pytest.mark.django_db


def asking(reference: str, *products: Product, quantity: int = 2) -> None:
    ask(reference=reference, wanted=[Wanted(each.pk, quantity) for each in products])


def test_given_others_have_asked_when_one_reserves_then_all_are_decided_in_their_order() -> None:
    mug = makers.product(on_hand=5)
    for number in (1, 2, 3):
        asking(f"order:{number}", mug)
    with pytest.raises(OutOfStock):
        makers.reserve("order:4", mug)
    assert [makers.states(f"order:{number}") for number in (1, 2, 3)] == [
        ["held"],
        ["held"],
        ["released"],
    ]
    assert makers.shelf(mug) == (5, 4)


def test_given_one_that_asked_early_when_it_comes_late_then_it_has_kept_its_place() -> None:
    mug = makers.product(on_hand=2)
    asking("order:1", mug)
    with pytest.raises(OutOfStock):
        makers.reserve("order:2", mug)
    makers.reserve("order:1", mug)
    assert makers.states("order:1") == ["held"]


def test_given_all_was_decided_when_its_turn_comes_then_it_needs_no_lock(
    transactional_db: None, services: Services
) -> None:
    mug = makers.product(on_hand=2)
    asking("order:1", mug)
    asking("order:2", mug)
    makers.reserve("order:1", mug)
    services.redis.stop()
    makers.reserve("order:1", mug)
    with pytest.raises(OutOfStock):
        makers.reserve("order:2", mug)


def test_given_a_refused_wish_when_there_is_enough_again_then_it_is_held() -> None:
    mug = makers.product(on_hand=2)
    makers.reserve("order:1", mug)
    asking("order:2", mug)
    with pytest.raises(OutOfStock):
        makers.reserve("order:2", mug)
    release(reference="order:1")
    makers.reserve("order:2", mug)
    assert makers.states("order:2") == ["held"]


def test_given_what_is_only_asked_for_then_it_counts_for_nothing() -> None:
    mug = makers.product(on_hand=2)
    asking("order:1", mug)
    assert makers.shelf(mug) == (2, 0)
    assert not commit(reference="order:1")
    makers.assert_sums([mug])


def test_given_it_is_not_wanted_any_more_when_others_reserve_then_it_gets_nothing() -> None:
    mug = makers.product(on_hand=2)
    asking("order:1", mug)
    assert release(reference="order:1")
    makers.reserve("order:2", mug)
    assert makers.states("order:1") == ["released"]
    assert makers.shelf(mug) == (2, 2)


def test_given_an_order_of_more_products_when_one_of_them_is_served_then_it_waits() -> None:
    mug, plate = makers.product(), makers.product()
    asking("order:1", mug, plate)
    makers.reserve("order:2", mug)
    assert makers.states("order:1") == ["asked", "asked"]
    makers.reserve("order:3", plate, mug)
    assert makers.states("order:1") == ["held", "held"]


def test_given_more_than_are_served_at_once_when_the_last_comes_then_it_is_served_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "ASKED_AT_ONCE", 3)
    mug = makers.product(on_hand=100)
    for number in range(8):
        asking(f"order:{number}", mug)
    makers.reserve("order:7", mug)
    held = Reservation.objects.filter(state="held").values_list("reference", flat=True)
    assert sorted(held) == ["order:0", "order:1", "order:2", "order:7"]


def test_given_a_product_without_stock_when_asked_for_then_nothing_is_written() -> None:
    mug, plate = makers.product(), makers.product(on_hand=0)
    asking("order:1", mug, plate)
    assert makers.states("order:1") == []


def test_given_a_known_reference_when_it_asks_for_something_else_then_it_stays_as_it_is() -> None:
    mug, plate = makers.product(), makers.product()
    makers.reserve("order:1", mug)
    asking("order:1", plate)
    asking("order:1", mug)
    assert makers.states("order:1") == ["held"]


def test_given_the_callers_transaction_when_it_rolls_back_then_nothing_was_asked() -> None:
    mug = makers.product()
    with transaction.atomic():
        asking("order:1", mug)
        transaction.set_rollback(True)
    assert makers.states("order:1") == []


def test_given_a_crowd_that_asked_when_decided_then_statements_do_not_grow_with_it() -> None:
    mug = makers.product(on_hand=1000)
    counted = []
    for size in (2, 200):
        for number in range(size):
            asking(f"order:{size}:{number}", mug)
        with CaptureQueriesContext(connection) as queries:
            makers.reserve(f"order:{size}", mug)
        counted.append(len(queries))
    assert counted[0] == counted[1]

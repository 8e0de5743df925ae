from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from inventory.errors import OutOfStock, ReferenceReused, TooManyReturned
from inventory.models import Reservation, Stock, StockMovement
from inventory.reservations import (
    Wanted,
    commit,
    release,
    release_expired,
    reserve,
    return_goods,
)
from tests.inventory import makers

pytestmark = pytest.mark.django_db


def test_given_enough_units_when_reserved_then_they_are_promised_and_still_on_hand() -> None:
    mug, plate = makers.product(on_hand=5), makers.product(on_hand=7)
    makers.reserve("order:1", mug, plate, quantity=3)
    assert makers.shelf(mug) == (5, 3)
    assert makers.shelf(plate) == (7, 3)
    makers.assert_sums([mug, plate])


def test_given_one_short_product_when_reserved_then_nothing_is_and_the_shortage_is_told() -> None:
    mug, plate = makers.product(on_hand=5), makers.product(on_hand=1)
    with pytest.raises(OutOfStock) as caught:
        makers.reserve("order:1", mug, plate)
    assert caught.value.shortages == {plate.pk: 1}
    assert makers.shelf(mug) == (5, 0)
    assert makers.states("order:1") == []


def test_given_a_product_that_never_was_received_when_reserved_then_none_is_available() -> None:
    mug = makers.product(on_hand=0)
    with pytest.raises(OutOfStock) as caught:
        makers.reserve("order:1", mug)
    assert caught.value.shortages == {mug.pk: 0}


def test_given_two_entries_of_a_product_when_reserved_then_they_are_added_up() -> None:
    mug = makers.product(on_hand=5)
    with pytest.raises(OutOfStock):
        reserve(reference="order:1", wanted=[Wanted(mug.pk, 3), Wanted(mug.pk, 3)])
    reserve(reference="order:2", wanted=[Wanted(mug.pk, 3), Wanted(mug.pk, 2)])
    assert makers.shelf(mug) == (5, 5)


@pytest.mark.parametrize("quantity", [0, -1, 2.0, True, "3"])
def test_given_a_quantity_that_makes_no_sense_when_reserved_then_it_is_refused(
    quantity: int,
) -> None:
    mug = makers.product()
    with pytest.raises(ValueError):
        reserve(reference="order:1", wanted=[Wanted(mug.pk, quantity)])


@pytest.mark.parametrize("reference", ["", "x" * 81, "a\0b"])
def test_given_a_reference_that_cannot_be_stored_when_reserved_then_it_is_refused(
    reference: str,
) -> None:
    mug = makers.product()
    with pytest.raises(ValueError):
        makers.reserve(reference, mug)


def test_given_nothing_wanted_when_reserved_then_it_is_refused() -> None:
    with pytest.raises(ValueError):
        reserve(reference="order:1", wanted=[])


def test_given_an_unbelievable_quantity_when_reserved_then_it_is_out_of_stock() -> None:
    mug = makers.product(on_hand=5)
    with pytest.raises(OutOfStock):
        makers.reserve("order:1", mug, quantity=2**70)


def test_given_a_held_reservation_when_reserved_again_then_only_its_time_is_renewed() -> None:
    mug = makers.product()
    makers.reserve("order:1", mug, ttl_s=60)
    before = Reservation.objects.get(reference="order:1")
    makers.reserve("order:1", mug, ttl_s=600)
    after = Reservation.objects.get(reference="order:1")
    assert makers.shelf(mug) == (10, 2)
    assert after.pk == before.pk
    assert 500 < (after.expires_at - before.expires_at).total_seconds() < 600


def test_given_a_reference_when_it_reserves_other_goods_then_it_is_refused() -> None:
    mug, plate = makers.product(), makers.product()
    makers.reserve("order:1", mug)
    for products, quantity in [([mug], 3), ([plate], 2), ([mug, plate], 2)]:
        with pytest.raises(ReferenceReused):
            makers.reserve("order:1", *products, quantity=quantity)
    assert makers.shelf(mug) == (10, 2)


def test_given_a_released_reservation_when_reserved_again_then_it_is_held_again() -> None:
    mug = makers.product()
    makers.reserve("order:1", mug)
    release(reference="order:1")
    makers.reserve("order:1", mug)
    assert makers.states("order:1") == ["held"]
    assert makers.shelf(mug) == (10, 2)


def test_given_sold_goods_when_reserved_again_then_nothing_happens() -> None:
    mug = makers.product(on_hand=2)
    makers.reserve("order:1", mug)
    commit(reference="order:1")
    makers.reserve("order:1", mug)
    assert makers.states("order:1") == ["committed"]
    assert makers.shelf(mug) == (0, 0)


def test_given_many_lines_when_reserved_and_sold_then_statements_do_not_grow_with_them() -> None:
    few = [makers.product() for _ in range(2)]
    many = [makers.product() for _ in range(30)]
    counted = []
    for reference, products in [("order:1", few), ("order:2", many)]:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            makers.reserve(reference, *products)
            commit(reference=reference)
        counted.append(len(queries))
    assert counted[0] == counted[1] < 15


# --- commit


def test_given_held_goods_when_committed_then_they_leave_the_shelf_once() -> None:
    mug = makers.product()
    makers.reserve("order:1", mug)
    assert commit(reference="order:1")
    assert commit(reference="order:1")
    assert makers.shelf(mug) == (8, 0)
    movement = StockMovement.objects.get(reference="order:1")
    assert (movement.kind, movement.quantity) == ("sold", -2)
    makers.assert_sums([mug])


def test_given_no_reservation_when_committed_then_it_is_gone() -> None:
    assert not commit(reference="order:404")


def test_given_an_expired_reservation_when_committed_then_it_is_gone() -> None:
    mug = makers.product()
    makers.reserve("order:1", mug, ttl_s=0)
    assert not commit(reference="order:1")
    assert makers.shelf(mug) == (10, 2)


def test_given_half_of_it_was_let_go_when_committed_then_it_is_gone_and_nothing_is_sold() -> None:
    mug, plate = makers.product(on_hand=2), makers.product(on_hand=2)
    makers.reserve("order:1", mug, plate, ttl_s=0)
    makers.reserve("order:2", mug)
    assert not commit(reference="order:1")
    assert makers.states("order:1") == ["released", "held"]
    assert makers.shelf(plate) == (2, 2)


def test_given_half_of_it_was_let_go_when_reserved_again_then_all_is_held() -> None:
    mug, plate = makers.product(on_hand=4), makers.product(on_hand=2)
    makers.reserve("order:1", mug, plate, ttl_s=0)
    makers.reserve("order:2", mug)
    makers.reserve("order:1", mug, plate)
    assert makers.states("order:1") == ["held", "held"]
    assert commit(reference="order:1")
    makers.assert_sums([mug, plate])


def test_given_the_callers_transaction_when_it_rolls_back_then_nothing_was_sold() -> None:
    mug = makers.product()
    makers.reserve("order:1", mug)
    with transaction.atomic():
        assert commit(reference="order:1")
        transaction.set_rollback(True)
    assert makers.shelf(mug) == (10, 2)
    assert commit(reference="order:1")


# --- release


def test_given_held_goods_when_released_then_they_can_be_promised_again() -> None:
    mug = makers.product(on_hand=2)
    makers.reserve("order:1", mug)
    assert release(reference="order:1")
    assert release(reference="order:1")
    makers.reserve("order:2", mug)
    makers.assert_sums([mug])


def test_given_sold_goods_when_released_then_they_stay_sold() -> None:
    mug = makers.product()
    makers.reserve("order:1", mug)
    commit(reference="order:1")
    assert not release(reference="order:1")
    assert makers.shelf(mug) == (8, 0)


def test_given_no_reservation_when_released_then_nothing_is_held() -> None:
    assert release(reference="order:404")


# --- goods that come back


def test_given_sold_goods_when_returned_then_they_are_back_once() -> None:
    mug = makers.product()
    makers.reserve("order:1", mug)
    commit(reference="order:1")
    assert return_goods(reference="order:1") == 2
    assert return_goods(reference="order:1") == 0
    assert makers.shelf(mug) == (10, 0)
    assert makers.moved(mug, "returned") == 2


def test_given_a_part_came_back_when_returned_then_wanted_is_the_total() -> None:
    mug = makers.product()
    makers.reserve("order:1", mug, quantity=5)
    commit(reference="order:1")
    assert return_goods(reference="order:1", wanted=[Wanted(mug.pk, 2)]) == 2
    assert return_goods(reference="order:1", wanted=[Wanted(mug.pk, 2)]) == 0
    assert return_goods(reference="order:1", wanted=[Wanted(mug.pk, 3)]) == 1
    assert return_goods(reference="order:1") == 2
    makers.assert_sums([mug])


def test_given_more_than_was_bought_when_returned_then_it_is_refused() -> None:
    mug, plate = makers.product(), makers.product()
    makers.reserve("order:1", mug)
    commit(reference="order:1")
    for wanted in (Wanted(mug.pk, 3), Wanted(plate.pk, 1)):
        with pytest.raises(TooManyReturned):
            return_goods(reference="order:1", wanted=[wanted])


def test_given_goods_that_were_not_sold_when_returned_then_nothing_comes() -> None:
    mug = makers.product()
    makers.reserve("order:1", mug)
    assert return_goods(reference="order:1") == 0
    assert return_goods(reference="order:404") == 0


# --- expiry


def test_given_an_expired_reservation_when_another_reserves_then_it_is_let_go_first() -> None:
    mug = makers.product(on_hand=2)
    makers.reserve("order:1", mug, ttl_s=0)
    makers.reserve("order:2", mug)
    assert makers.states("order:1") == ["released"]
    assert makers.shelf(mug) == (2, 2)


def test_given_an_expired_reservation_when_a_wish_is_too_large_then_it_is_let_go_all_the_same() -> (
    None
):
    mug = makers.product(on_hand=2)
    makers.reserve("order:1", mug, ttl_s=0)
    with pytest.raises(OutOfStock) as caught:
        makers.reserve("order:2", mug, quantity=3)
    assert caught.value.shortages == {mug.pk: 2}
    assert makers.shelf(mug) == (2, 0)


def test_given_expired_and_live_reservations_when_tidied_then_only_the_expired_go() -> None:
    mug, plate = makers.product(), makers.product()
    makers.reserve("order:1", mug, plate, ttl_s=0)
    makers.reserve("order:2", plate)
    assert makers.states("order:1") == ["held", "released"]
    assert release_expired() == 1
    assert release_expired() == 0
    assert (makers.shelf(mug), makers.shelf(plate)) == ((10, 0), (10, 2))


# --- the database's own refusals


def test_given_a_write_past_the_services_when_it_oversells_then_the_constraint_refuses() -> None:
    mug = makers.product()
    with pytest.raises(IntegrityError), transaction.atomic():
        Stock.objects.filter(product=mug).update(reserved=11)


@pytest.mark.parametrize(
    "change",
    ["UPDATE inventory_stockmovement SET quantity = 99", "DELETE FROM inventory_stockmovement"],
)
def test_given_a_movement_when_somebody_changes_history_then_the_trigger_refuses(
    change: str,
) -> None:
    makers.product()
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)

from __future__ import annotations

from uuid import uuid4

import pytest

from inventory import stock
from inventory.errors import BelowReserved
from inventory.models import Product, StockMovement
from tasks.context import CurrentJob, running
from tests.inventory import makers

pytestmark = pytest.mark.django_db


def test_given_a_new_product_when_goods_come_in_then_its_stock_opens_with_a_movement() -> None:
    mug = makers.product(on_hand=0)
    movement = stock.receive(product_id=mug.pk, quantity=5, reference="delivery:7", note="by van")
    assert makers.shelf(mug) == (5, 0)
    assert (movement.kind, movement.quantity, movement.note) == ("received", 5, "by van")


def test_given_a_running_job_when_goods_come_in_then_the_movement_names_it() -> None:
    mug = makers.product(on_hand=0)
    job = CurrentJob(id=uuid4(), attempt=1, task="test", correlation_id="", worker="test")
    with running(job):
        movement = stock.receive(product_id=mug.pk, quantity=5, reference="delivery:7")
    assert movement.job_id == job.id


@pytest.mark.parametrize("quantity", [0, -3, 10**10, 1.5])
def test_given_a_quantity_that_makes_no_sense_when_received_then_it_is_refused(
    quantity: int,
) -> None:
    mug = makers.product(on_hand=0)
    with pytest.raises(ValueError):
        stock.receive(product_id=mug.pk, quantity=quantity, reference="delivery:7")


def test_given_no_such_product_when_received_then_it_says_so() -> None:
    with pytest.raises(Product.DoesNotExist):
        stock.receive(product_id=404, quantity=1, reference="delivery:7")


def test_given_the_same_delivery_twice_when_received_once_then_it_counts_once() -> None:
    mug = makers.product(on_hand=0)
    first = stock.receive(product_id=mug.pk, quantity=5, reference="delivery:7", once=True)
    again = stock.receive(product_id=mug.pk, quantity=5, reference="delivery:7", once=True)
    assert again == first
    assert makers.shelf(mug) == (5, 0)


def test_given_a_miscount_when_adjusted_then_the_person_and_reason_are_kept() -> None:
    mug = makers.product(on_hand=10)
    stock.adjust(product_id=mug.pk, quantity=-3, reference="count:1", note="broken", actor="ann")
    movement = StockMovement.objects.get(kind="adjusted")
    assert (movement.quantity, movement.actor, movement.note) == (-3, "ann", "broken")
    assert makers.shelf(mug) == (7, 0)


def test_given_promised_units_when_adjusted_below_them_then_it_is_refused() -> None:
    mug = makers.product(on_hand=10)
    makers.reserve("order:1", mug, quantity=8)
    with pytest.raises(BelowReserved) as caught:
        stock.adjust(product_id=mug.pk, quantity=-3, reference="count:1", actor="ann")
    assert (caught.value.on_hand, caught.value.reserved) == (7, 8)
    assert makers.shelf(mug) == (10, 8)


def test_given_expired_promises_when_adjusted_then_they_are_not_in_the_way() -> None:
    mug = makers.product(on_hand=10)
    makers.reserve("order:1", mug, quantity=8, ttl_s=0)
    stock.adjust(product_id=mug.pk, quantity=-10, reference="count:1", actor="ann")
    assert makers.shelf(mug) == (0, 0)
    makers.assert_sums([mug])

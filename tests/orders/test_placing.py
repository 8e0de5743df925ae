from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from inventory.models import Product
from orders.errors import OrderRefused
from orders.models import Order, OrderEvent, OrderLine, Payment
from orders.placing import BAD_QUANTITY, MAX_LINES, MAX_QUANTITY, LineRequest, place_order
from tasks.models import Job
from tests.orders import makers

pytestmark = pytest.mark.django_db


def refused(**wish: Any) -> dict[str, str]:
    """The messages for a wish that is wrong, and the proof that nothing was written."""
    with pytest.raises(OrderRefused) as refusal:
        place_order(
            **{
                "email": "ann@shop.example",
                "lines": [LineRequest("SKU", 1)],
                "payment_method": "pm_ok",
                **wish,
            }
        )
    for model in (Order, OrderLine, Payment, OrderEvent, Job):
        assert not model._default_manager.exists()
    return refusal.value.errors


def test_a_placed_order_has_lines_payment_event_and_job() -> None:
    """Given two products / When ordered / Then everything an order needs is written."""
    mug, cup = makers.product(price_minor=250), makers.product(price_minor=99)
    order = makers.order(mug, cup, quantity=3, email="bob@shop.example")

    assert (order.state, order.currency, order.total_minor) == ("placed", "GBP", 3 * 349)
    assert [(line.sku, line.name, line.unit_price_minor) for line in order.lines.all()] == [
        (each.sku, each.name, each.price_minor) for each in (mug, cup)
    ]
    payment = makers.fresh(order).payment
    assert (payment.state, payment.amount_minor, payment.currency) == ("pending", 1047, "GBP")
    assert makers.kinds(order) == ["placed"]
    (job,) = makers.jobs_of(order, "orders.advance_checkout")
    assert (job.args, job.queue) == ([order.pk], "checkout")


def test_later_price_changes_do_not_touch_an_order() -> None:
    mug = makers.product(price_minor=250)
    order = makers.order(mug, quantity=1)
    Product.objects.filter(pk=mug.pk).update(price_minor=9_999, name="Dear mug")
    line = Order.objects.get(pk=order.pk).lines.get()
    assert (line.unit_price_minor, line.name) == (250, mug.name)


def test_lines_of_one_sku_are_added_up() -> None:
    mug = makers.product()
    order = place_order(
        email="ann@shop.example",
        lines=[LineRequest(mug.sku, 2), LineRequest(mug.sku, 3)],
        payment_method="pm_ok",
    )
    assert [line.quantity for line in order.lines.all()] == [5]


@pytest.mark.parametrize(
    "quantity",
    [0, -1, MAX_QUANTITY + 1, 2**31, 1.5, 1.0, float("nan"), float("inf"), True, None, "2", "x"],
)
def test_a_quantity_that_is_no_whole_number_in_range_is_refused(quantity: Any) -> None:
    Product.objects.create(sku="SKU", name="Mug", price_minor=1)
    assert refused(lines=[LineRequest("SKU", quantity)]) == {"SKU": BAD_QUANTITY}


def test_quantities_that_add_up_to_too_much_are_refused() -> None:
    Product.objects.create(sku="SKU", name="Mug", price_minor=1)
    lines = [LineRequest("SKU", MAX_QUANTITY), LineRequest("SKU", 1)]
    assert refused(lines=lines) == {"SKU": BAD_QUANTITY}


def test_unknown_and_inactive_products_are_refused_each_with_its_message() -> None:
    Product.objects.create(sku="OLD", name="Mug", price_minor=1, is_active=False)
    nul = "a\0b"
    errors = refused(lines=[LineRequest(sku, 1) for sku in ("OLD", "NEW", nul)])
    assert errors == {
        "OLD": "This can't be ordered at the moment.",
        "NEW": "We don't sell this.",
        nul: "We don't sell this.",
    }


def test_an_empty_or_endless_order_is_refused() -> None:
    assert refused(lines=[]) == {"lines": "There is nothing in this order."}
    assert "lines" in refused(lines=[LineRequest(str(n), 1) for n in range(MAX_LINES + 1)])


def test_an_order_that_costs_nothing_or_too_much_is_refused() -> None:
    Product.objects.create(sku="FREE", name="Sticker", price_minor=0)
    Product.objects.create(sku="DEAR", name="Yacht", price_minor=100_000_000)
    assert "lines" in refused(lines=[LineRequest("FREE", 1)])
    assert refused(lines=[LineRequest("DEAR", 1)]) == {
        "lines": "An order may cost at most £999,999.99. Split it."
    }


def test_currencies_do_not_mix() -> None:
    Product.objects.create(sku="A", name="Mug", price_minor=1)
    Product.objects.create(sku="B", name="Cup", price_minor=1, currency="EUR")
    assert "currencies" in refused(lines=[LineRequest("A", 1), LineRequest("B", 1)])["lines"]


@pytest.mark.parametrize(
    "email", ["", "ann", "a@b\nBcc: c@d.example", f"{'a' * 250}@shop.example", None, 3]
)
def test_an_address_that_is_none_is_refused(email: Any) -> None:
    assert "email" in refused(email=email)


@pytest.mark.parametrize("method", ["", "4242 4242 4242 4242", "pm_\0", "x" * 81, None, "pm_ok\n"])
def test_a_payment_method_that_is_no_token_is_refused(method: Any) -> None:
    assert refused(payment_method=method) == {"payment_method": "Choose how to pay."}


def test_the_same_wish_twice_is_one_order() -> None:
    """Given an order from a form / When the form is sent again / Then the same order answers."""
    mug = makers.product()
    first = makers.order(mug, source="form:1")
    assert makers.order(mug, source="form:1").pk == first.pk
    assert len(makers.jobs_of(first, "orders.advance_checkout")) == 1


def test_another_wish_from_the_same_form_is_refused() -> None:
    mug = makers.product()
    makers.order(mug, source="form:1")
    with pytest.raises(OrderRefused) as refusal:
        makers.order(mug, quantity=9, source="form:1")
    assert list(refusal.value.errors) == ["source"]


@pytest.mark.django_db(transaction=True)
def test_the_same_wish_from_many_threads_is_one_order() -> None:
    mug = makers.product()

    def place(_: int) -> int:
        try:
            return makers.order(mug, source="form:1").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        placed = set(pool.map(place, range(8)))
    assert len(placed) == 1
    assert Order.objects.count() == Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_no_commit_no_order_no_job() -> None:
    mug = makers.product()
    with transaction.atomic():
        makers.order(mug)
        transaction.set_rollback(True)
    assert not Order.objects.exists()
    assert not Job.objects.exists()


class AnythingMayBeWished(TestCase):
    """Whatever is asked for: an order that adds up, or a refusal that wrote nothing."""

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        lines=st.lists(
            st.builds(
                LineRequest,
                st.sampled_from(["A", "B", "GONE", "", "a\0"]),
                st.one_of(st.integers(-1, 5), st.integers(), st.floats(), st.none()),
            ),
            max_size=6,
        )
    )
    def test_ordered_or_refused(self, lines: list[LineRequest]) -> None:
        for sku, price in (("A", 100), ("B", 7)):
            Product.objects.get_or_create(sku=sku, defaults={"name": sku, "price_minor": price})
        before = Order.objects.count()
        order = None
        with suppress(OrderRefused):
            order = place_order(email="ann@shop.example", lines=lines, payment_method="pm_ok")
        if order is None:
            assert Order.objects.count() == before
        else:
            ordered = list(order.lines.all())
            assert order.total_minor == sum(line.total_minor for line in ordered)
            assert sum(line.quantity for line in ordered) == sum(line.quantity for line in lines)

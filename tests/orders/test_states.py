from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from django.db import connection, transaction
from django.utils import timezone

from orders import states
from orders.models import Order, Payment
from tests.orders import makers

pytestmark = pytest.mark.django_db

OrderState, PaymentState = Order.State, Payment.State

ORDER_ARROWS: list[tuple[Callable[[int], bool], set[Order.State], Order.State]] = [
    (states.reserved, {OrderState.PLACED}, OrderState.RESERVED),
    (states.confirmed, {OrderState.RESERVED}, OrderState.CONFIRMED),
    (
        lambda pk: states.failed(pk, reason="sold out"),
        {OrderState.PLACED, OrderState.RESERVED},
        OrderState.FAILED,
    ),
    (states.cancelled_unpaid, {OrderState.PLACED, OrderState.RESERVED}, OrderState.CANCELLED),
    (states.cancelled_paid, {OrderState.CONFIRMED}, OrderState.CANCELLED),
    (states.refunded, {OrderState.CONFIRMED}, OrderState.REFUNDED),
]

PAYMENT_ARROWS: list[tuple[Callable[[int], bool], set[Payment.State], Payment.State]] = [
    (states.payment_charging, {PaymentState.PENDING, PaymentState.CHARGING}, PaymentState.CHARGING),
    (
        lambda pk: states.payment_captured(pk, provider_reference="ch_1"),
        {PaymentState.CHARGING, PaymentState.REFUSED, PaymentState.VOID},
        PaymentState.CAPTURED,
    ),
    (states.payment_refused, {PaymentState.CHARGING}, PaymentState.REFUSED),
    (states.payment_void, {PaymentState.PENDING}, PaymentState.VOID),
    (
        lambda pk: states.payment_never_taken(pk, last_asked_before=timezone.now()),
        {PaymentState.CHARGING},
        PaymentState.VOID,
    ),
    (states.payment_refunded, {PaymentState.CAPTURED}, PaymentState.REFUNDED),
]


@pytest.mark.parametrize("number", range(len(ORDER_ARROWS)))
def test_an_orders_arrow_starts_where_it_may_and_nowhere_else(number: int) -> None:
    arrow, starts, end = ORDER_ARROWS[number]
    order = makers.order()
    for state in OrderState:
        Order.objects.filter(pk=order.pk).update(state=state)
        assert arrow(order.pk) is (state in starts)
        assert makers.fresh(order).state == (end if state in starts else state)


@pytest.mark.parametrize("number", range(len(PAYMENT_ARROWS)))
def test_a_payments_arrow_starts_where_it_may_and_nowhere_else(number: int) -> None:
    arrow, starts, end = PAYMENT_ARROWS[number]
    order = makers.order()
    Order.objects.filter(pk=order.pk).update(state=OrderState.RESERVED)
    asked_at = timezone.now() - timedelta(hours=1)
    for state in PaymentState:
        Payment.objects.filter(order=order).update(state=state, asked_at=asked_at)
        assert arrow(order.pk) is (state in starts)
        assert makers.fresh(order).payment.state == (end if state in starts else state)


@pytest.mark.parametrize("state", [state for state in OrderState if state != OrderState.RESERVED])
def test_only_a_reserved_order_is_charged(state: Order.State) -> None:
    order = makers.order()
    Order.objects.filter(pk=order.pk).update(state=state)
    assert not states.payment_charging(order.pk)


def test_a_charge_asked_for_just_now_is_not_given_up() -> None:
    order = makers.order()
    Order.objects.filter(pk=order.pk).update(state=OrderState.RESERVED)
    assert states.payment_charging(order.pk)
    a_minute_ago = timezone.now() - timedelta(minutes=1)
    assert not states.payment_never_taken(order.pk, last_asked_before=a_minute_ago)


@pytest.mark.django_db(transaction=True)
def test_an_arrow_that_waited_for_another_looks_again() -> None:
    """Given a void that is not committed yet / When a worker wants to charge / Then it waits for
    the commit and is refused: the payment's own state is read again after the wait."""
    order = makers.order()
    Order.objects.filter(pk=order.pk).update(state=OrderState.RESERVED)
    asking = Event()

    def charge() -> bool:
        def tell(execute: object, sql: str, *rest: object) -> object:
            asking.set()
            return execute(sql, *rest)  # type: ignore[operator]

        try:
            with connection.execute_wrapper(tell):
                return states.payment_charging(order.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert states.payment_void(order.pk)
            charging = pool.submit(charge)
            assert asking.wait(10)
            _wait_for_a_blocked_update()
        assert charging.result(10) is False
    assert makers.fresh(order).payment.state == PaymentState.VOID


def _wait_for_a_blocked_update() -> None:
    with connection.cursor() as cursor:
        for _ in range(1000):
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                " AND pg_sleep(0.01) IS NOT NULL"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for the row")

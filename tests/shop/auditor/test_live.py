"""An audit while orders flow sees one moment, and nothing half done in it."""

from __future__ import annotations

from random import Random

import pytest

from inventory import stock
from orders.cancelling import cancel_order
from orders.errors import NothingToRefund
from orders.models import Order
from orders.refunds import refund_order
from tasks.models import LIVE_STATES, Job
from tests.auditing import breaches
from tests.orders import makers

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = 60
CARDS = ("pm_ok", "pm_ok", "pm_ok", "pm_decline", "pm_slow", "pm_error500_after")


@pytest.mark.usefixtures("workers")
def test_given_orders_that_flow_when_audited_again_and_again_then_there_is_no_false_alarm() -> None:
    chance = Random(1)
    mug, cup = makers.product(on_hand=50), makers.product(on_hand=500)
    orders: list[Order] = []
    audits = 0
    while len(orders) < ORDERS or Job.objects.filter(state__in=LIVE_STATES).exists():
        if len(orders) < ORDERS:
            card = chance.choice(CARDS)
            orders.append(makers.order(mug, cup, quantity=1, payment_method=card))
            interfere(chance, orders)
            stock.receive(product_id=cup.pk, quantity=1, reference=f"delivery:{len(orders)}")
        assert breaches() == [], f"in audit {audits}, with {len(orders)} orders placed"
        audits += 1
    assert audits > ORDERS
    states = set(Order.objects.values_list("state", flat=True))
    assert {Order.State.CONFIRMED, Order.State.FAILED, Order.State.CANCELLED} <= states


def interfere(chance: Random, orders: list[Order]) -> None:
    """A customer or an operator changes their mind about some order."""
    order = chance.choice(orders)
    if chance.random() < 0.2:
        cancel_order(order_id=order.pk)
    elif chance.random() < 0.2:
        try:
            refund_order(order_id=order.pk)
        except NothingToRefund:
            return

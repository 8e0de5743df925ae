from __future__ import annotations

import pytest

from orders.cancelling import cancel_order
from orders.checkout import advance_checkout
from orders.models import Order, OrderEvent, Payment
from orders.refunds import give_back
from tests.orders import makers
from tests.orders.provider import ScriptedProvider

pytestmark = pytest.mark.django_db(transaction=True)


def emails(order: Order) -> list[str]:
    return [job.kwargs["kind"] for job in makers.jobs_of(order, "orders.send_email")]


def test_a_placed_order_is_cancelled_and_can_never_be_charged(provider: ScriptedProvider) -> None:
    order = makers.order()
    assert cancel_order(order_id=order.pk, actor="ann", reason="changed her mind")

    now = makers.fresh(order)
    assert (now.state, now.payment.state) == (Order.State.CANCELLED, Payment.State.VOID)
    assert makers.jobs_of(order, "orders.refund") == []
    assert emails(order) == ["cancellation"]
    event = OrderEvent.objects.get(order=order, kind="cancelled")
    assert (event.actor, event.message) == ("ann", "The order was cancelled: changed her mind")

    advance_checkout(order_id=order.pk)
    assert provider.calls == []


def test_a_reserved_order_lets_its_goods_go(provider: ScriptedProvider) -> None:
    """Given an order whose charge got no answer / When cancelled / Then goods at once, money by a
    job, because it may have been taken."""
    provider.script.append("lost_after")
    mug = makers.product(on_hand=5)
    order = makers.order(mug)
    with pytest.raises(Exception, match="cut"):
        advance_checkout(order_id=order.pk)
    assert makers.shelf(mug) == (5, 2)

    assert cancel_order(order_id=order.pk)
    assert makers.shelf(mug) == (5, 0)
    assert len(makers.jobs_of(order, "orders.refund")) == 1


def test_a_paid_order_gives_goods_and_money_back(provider: ScriptedProvider) -> None:
    mug = makers.product(on_hand=5)
    order = makers.order(mug)
    advance_checkout(order_id=order.pk)
    assert makers.shelf(mug) == (3, 0)

    assert cancel_order(order_id=order.pk)
    assert makers.shelf(mug) == (5, 0)
    makers.run_as_job(lambda: give_back(order_id=order.pk))

    now = makers.fresh(order)
    assert (now.state, now.payment.state) == (Order.State.CANCELLED, Payment.State.REFUNDED)
    assert provider.money_kept(order.reference) == 0
    assert emails(order) == ["confirmation", "cancellation", "refund"]


def test_cancelling_twice_happens_once(provider: ScriptedProvider) -> None:
    mug = makers.product(on_hand=5)
    order = makers.order(mug)
    advance_checkout(order_id=order.pk)
    assert cancel_order(order_id=order.pk)
    assert not cancel_order(order_id=order.pk)
    assert makers.shelf(mug) == (5, 0)
    assert len(makers.jobs_of(order, "orders.refund")) == 1


@pytest.mark.parametrize("state", [Order.State.FAILED, Order.State.REFUNDED])
def test_an_order_that_ended_stays_as_it_is(state: Order.State) -> None:
    order = makers.order()
    Order.objects.filter(pk=order.pk).update(state=state)
    assert not cancel_order(order_id=order.pk)
    assert makers.kinds(order) == ["placed"]


def test_an_order_that_does_not_exist() -> None:
    with pytest.raises(Order.DoesNotExist):
        cancel_order(order_id=0)

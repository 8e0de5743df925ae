from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from orders import states
from orders.cancelling import cancel_order
from orders.checkout import advance_checkout
from orders.errors import NothingToRefund
from orders.models import Order, Payment
from orders.payments.errors import GatewayUnavailable
from orders.refunds import give_back, refund_order
from tasks.models import Effect
from tasks.outcomes import Snooze
from tests.orders import makers
from tests.orders.provider import ScriptedProvider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paid(provider: ScriptedProvider) -> Order:
    order = makers.order()
    advance_checkout(order_id=order.pk)
    return order


def hours_pass() -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Effect.objects.update(intended_at=long_ago)
    Payment.objects.update(asked_at=long_ago)


def test_a_refund_gives_the_money_back_and_not_the_goods(
    provider: ScriptedProvider, paid: Order
) -> None:
    refund_order(order_id=paid.pk, actor="ann", reason="arrived broken")
    give_back(order_id=paid.pk)

    now = makers.fresh(paid)
    assert (now.state, now.payment.state) == (Order.State.REFUNDED, Payment.State.REFUNDED)
    assert provider.money_kept(paid.reference) == 0
    assert makers.sold(paid) == 2
    assert makers.kinds(paid)[-2:] == ["refund_asked", "refunded"]
    assert makers.jobs_of(paid, "orders.send_email")[-1].kwargs["kind"] == "refund"


def test_asking_twice_refunds_once(provider: ScriptedProvider, paid: Order) -> None:
    refund_order(order_id=paid.pk)
    refund_order(order_id=paid.pk)
    assert len(makers.jobs_of(paid, "orders.refund")) == 1
    give_back(order_id=paid.pk)
    give_back(order_id=paid.pk)
    assert provider.made("refund") == 1
    with pytest.raises(NothingToRefund, match="refunded"):
        refund_order(order_id=paid.pk)


def test_an_unpaid_order_has_nothing_to_refund() -> None:
    order = makers.order()
    with pytest.raises(NothingToRefund, match="Cancel it"):
        refund_order(order_id=order.pk)
    with pytest.raises(NothingToRefund):
        give_back(order_id=order.pk)
    assert makers.jobs_of(order, "orders.refund") == []


@pytest.mark.parametrize("answer", ["lost_before", "lost_after", "pending"])
def test_a_refund_without_an_answer_is_looked_up(
    provider: ScriptedProvider, paid: Order, answer: str
) -> None:
    cancel_order(order_id=paid.pk)
    provider.script.append(answer)  # type: ignore[arg-type]
    job_id = uuid4()
    with pytest.raises((GatewayUnavailable, Snooze)):
        makers.run_as_job(lambda: give_back(order_id=paid.pk), job_id=job_id)
    provider.settle()
    makers.run_as_job(lambda: give_back(order_id=paid.pk), job_id=job_id)
    assert makers.fresh(paid).payment.state == Payment.State.REFUNDED
    assert len(provider.refunds) == 1


def test_a_charge_that_turns_up_after_the_cancellation_is_given_back(
    provider: ScriptedProvider,
) -> None:
    """Given a worker that died after the provider took the money / When the order is cancelled."""
    provider.script.append("lost_after")
    order = makers.order()
    with pytest.raises(GatewayUnavailable):
        advance_checkout(order_id=order.pk)
    cancel_order(order_id=order.pk)
    hours_pass()
    give_back(order_id=order.pk)
    assert makers.fresh(order).payment.state == Payment.State.REFUNDED
    assert provider.money_kept(order.reference) == 0
    assert makers.kinds(order)[-3:] == ["cancelled", "charged", "refunded"]


def test_a_charge_that_may_be_on_its_way_is_waited_for(provider: ScriptedProvider) -> None:
    """Given a request that has not arrived / When asked too early / Then "not found" is not
    believed; when no worker that sent it can be alive, it is."""
    provider.script.append("lost_before")
    order = makers.order()
    with pytest.raises(GatewayUnavailable):
        advance_checkout(order_id=order.pk)
    cancel_order(order_id=order.pk)
    Effect.objects.update(intended_at=timezone.now() - timedelta(hours=1))
    job_id = uuid4()
    with pytest.raises(Snooze, match="on its way"):
        makers.run_as_job(lambda: give_back(order_id=order.pk), job_id=job_id)
    assert makers.fresh(order).payment.state == Payment.State.CHARGING

    hours_pass()
    makers.run_as_job(lambda: give_back(order_id=order.pk), job_id=job_id)
    assert makers.fresh(order).payment.state == Payment.State.VOID
    assert provider.charges == {}
    assert not states.payment_charging(order.pk)


def test_a_charge_that_was_declined_after_the_cancellation_owes_nothing(
    provider: ScriptedProvider,
) -> None:
    provider.script.append("pending")
    order = makers.order()
    with pytest.raises(Snooze):
        advance_checkout(order_id=order.pk)
    cancel_order(order_id=order.pk)
    provider.settle(declined=True)
    hours_pass()
    give_back(order_id=order.pk)
    assert makers.fresh(order).payment.state == Payment.State.REFUSED
    assert makers.jobs_of(order, "orders.send_email")[-1].kwargs["kind"] == "cancellation"

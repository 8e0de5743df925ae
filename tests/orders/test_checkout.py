from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from inventory import reservations
from inventory.models import Product, Reservation
from inventory.reservations import Wanted
from orders.cancelling import cancel_order
from orders.checkout import advance_checkout
from orders.errors import WrongGateway
from orders.models import Order, Payment
from orders.payments.errors import GatewayBusy, GatewayUnavailable
from orders.refunds import give_back
from tasks.models import Effect, Job, JobState
from tasks.outcomes import Snooze
from tests.orders import makers
from tests.orders.provider import ScriptedProvider

pytestmark = pytest.mark.django_db(transaction=True)


def check_out(order: Order, job_id: Any = None) -> None:
    makers.run_as_job(lambda: advance_checkout(order_id=order.pk), job_id=job_id)


def meanwhile(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]
) -> None:
    """Let something happen between the charge and the answer."""
    charge = provider.charge

    def slow_charge(**arguments: Any) -> Any:
        answer = charge(**arguments)
        happens()
        return answer

    monkeypatch.setattr(provider, "charge", slow_charge)


def buy_the_rest(product: Product, order: Order) -> None:
    """The order's reservation runs out, and somebody else buys all there is."""
    Reservation.objects.filter(reference=order.reference).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    reservations.release_expired()
    on_hand, _ = makers.shelf(product)
    wanted = [Wanted(product_id=product.pk, quantity=on_hand)]
    reservations.reserve(reference="rival:1", wanted=wanted)
    assert reservations.commit(reference="rival:1")


def test_an_order_is_reserved_charged_and_confirmed(provider: ScriptedProvider) -> None:
    mug = makers.product(on_hand=5, price_minor=250)
    order = makers.order(mug, quantity=2)
    check_out(order)

    now = makers.fresh(order)
    assert (now.state, now.payment.state) == (Order.State.CONFIRMED, Payment.State.CAPTURED)
    assert now.payment.provider_reference == provider.charges[f"{order.reference}:charge"].reference
    assert makers.shelf(mug) == (3, 0)
    assert makers.kinds(order) == ["placed", "reserved", "charged", "confirmed"]
    (mail,) = makers.jobs_of(order, "orders.send_email")
    assert (mail.args, mail.kwargs["kind"]) == ([order.pk], "confirmation")


def test_running_it_again_changes_nothing(provider: ScriptedProvider) -> None:
    order = makers.order()
    check_out(order)
    check_out(order)
    assert provider.made("charge") == 1
    assert makers.kinds(order) == ["placed", "reserved", "charged", "confirmed"]
    assert len(makers.jobs_of(order, "orders.send_email")) == 1


def test_sold_out_fails_with_what_is_left_and_charges_nothing(provider: ScriptedProvider) -> None:
    mug = makers.product(on_hand=1)
    order = makers.order(mug, quantity=2)
    check_out(order)

    now = makers.fresh(order)
    assert (now.state, now.payment.state) == (Order.State.FAILED, Payment.State.VOID)
    assert now.failure == f"Sold out: {mug.name} (1 left)."
    assert provider.calls == []
    assert makers.shelf(mug) == (1, 0)


def test_one_short_line_reserves_none(provider: ScriptedProvider) -> None:
    mug, cup = makers.product(on_hand=5), makers.product(on_hand=0)
    check_out(makers.order(mug, cup))
    assert makers.shelf(mug) == (5, 0)


def test_declined_fails_and_lets_the_goods_go(provider: ScriptedProvider) -> None:
    provider.script.append("decline")
    mug = makers.product(on_hand=5)
    order = makers.order(mug)
    check_out(order)

    now = makers.fresh(order)
    assert (now.state, now.payment.state) == (Order.State.FAILED, Payment.State.REFUSED)
    assert now.failure == "The payment was declined: Not enough money."
    assert makers.shelf(mug) == (5, 0)
    assert makers.jobs_of(order, "orders.refund") == []


def test_a_charge_the_provider_will_not_make_fails_the_order(provider: ScriptedProvider) -> None:
    """Given a token that the provider doesn't know / Then it was surely not charged."""
    provider.script.append("not_done")
    order = makers.order()
    check_out(order)
    now = makers.fresh(order)
    assert (now.state, now.payment.state) == (Order.State.FAILED, Payment.State.REFUSED)
    assert now.failure == "The payment could not be taken."
    assert makers.held(order) == 0


def test_a_charge_that_was_given_up_and_turns_up_is_given_back(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a cancelled order whose payment was taken for void / When the answer comes after all /
    Then the provider's word counts."""
    order = makers.order()

    def give_up() -> None:
        cancel_order(order_id=order.pk)
        Payment.objects.filter(order=order).update(state=Payment.State.VOID)
        Job.objects.filter(task="orders.refund").update(state=JobState.SUCCEEDED)

    meanwhile(provider, monkeypatch, give_up)
    check_out(order)
    assert makers.fresh(order).payment.state == Payment.State.CAPTURED
    assert len(makers.jobs_of(order, "orders.refund")) == 2
    makers.run_as_job(lambda: give_back(order_id=order.pk))
    assert provider.money_kept(order.reference) == 0


def test_a_provider_that_needs_time_snoozes_the_job(provider: ScriptedProvider) -> None:
    provider.script.append("pending")
    order, job_id = makers.order(), uuid4()
    for _ in range(2):
        with pytest.raises(Snooze):
            check_out(order, job_id)
    assert makers.fresh(order).payment.state == Payment.State.CHARGING

    provider.settle()
    check_out(order, job_id)
    assert makers.fresh(order).state == Order.State.CONFIRMED
    assert provider.made("charge") == 1


@pytest.mark.parametrize("answer", ["lost_before", "lost_after"])
def test_no_answer_is_looked_up_before_anything_is_tried_again(
    provider: ScriptedProvider, answer: Any
) -> None:
    provider.script.append(answer)
    order, job_id = makers.order(), uuid4()
    with pytest.raises(GatewayUnavailable):
        check_out(order, job_id)
    check_out(order, job_id)

    assert makers.fresh(order).state == Order.State.CONFIRMED
    assert provider.made("charge") == (1 if answer == "lost_after" else 2)
    assert len(provider.charges) == 1


def test_a_busy_provider_is_asked_later(provider: ScriptedProvider) -> None:
    provider.script.append("busy")
    order, job_id = makers.order(), uuid4()
    with pytest.raises(GatewayBusy):
        check_out(order, job_id)
    check_out(order, job_id)
    assert makers.fresh(order).state == Order.State.CONFIRMED


def test_goods_that_ran_out_during_the_payment_are_held_again(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = makers.product(on_hand=5)
    order = makers.order(mug)

    def expire() -> None:
        Reservation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        reservations.release_expired()

    meanwhile(provider, monkeypatch, expire)
    check_out(order)
    assert makers.fresh(order).state == Order.State.CONFIRMED
    assert makers.shelf(mug) == (3, 0)


def test_goods_sold_to_another_during_the_payment_give_the_money_back(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = makers.product(on_hand=5)
    order = makers.order(mug)
    meanwhile(provider, monkeypatch, lambda: buy_the_rest(mug, order))
    check_out(order)

    now = makers.fresh(order)
    assert (now.state, now.payment.state) == (Order.State.FAILED, Payment.State.CAPTURED)
    assert now.failure.startswith("Sold out")
    assert len(makers.jobs_of(order, "orders.refund")) == 1

    makers.run_as_job(lambda: give_back(order_id=order.pk))
    assert makers.fresh(order).payment.state == Payment.State.REFUNDED
    assert provider.money_kept(order.reference) == 0
    (mail,) = makers.jobs_of(order, "orders.send_email")
    assert mail.kwargs["kind"] == "refund"


def test_an_order_cancelled_during_the_payment_gives_goods_and_money_back(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = makers.product(on_hand=5)
    order = makers.order(mug)
    meanwhile(provider, monkeypatch, lambda: cancel_order(order_id=order.pk))
    check_out(order)

    now = makers.fresh(order)
    assert (now.state, now.payment.state) == (Order.State.CANCELLED, Payment.State.CAPTURED)
    makers.run_as_job(lambda: give_back(order_id=order.pk))
    assert provider.money_kept(order.reference) == 0
    assert makers.shelf(mug) == (5, 0)


def test_goods_held_for_an_order_that_had_just_ended_are_let_go(
    provider: ScriptedProvider,
) -> None:
    """Given a run that was killed while it held goods for a cancelled order / When run again."""
    mug = makers.product(on_hand=5)
    order = makers.order(mug)
    cancel_order(order_id=order.pk)
    reservations.reserve(reference=order.reference, wanted=[Wanted(product_id=mug.pk, quantity=2)])
    check_out(order)
    assert makers.shelf(mug) == (5, 0)
    assert provider.calls == []


def test_a_payment_of_another_provider_is_left_alone(provider: ScriptedProvider) -> None:
    order = makers.order()
    provider.name = "stripe"
    with pytest.raises(WrongGateway, match="PAYMENT_GATEWAY"):
        check_out(order)
    assert provider.calls == []


def test_the_effect_keeps_what_the_provider_said(provider: ScriptedProvider) -> None:
    order = makers.order()
    check_out(order)
    effect = Effect.objects.get(key=f"{order.reference}:charge")
    assert (effect.kind, effect.state) == ("charge", Effect.State.DONE)
    assert effect.result is not None
    assert effect.result["state"] == "succeeded"

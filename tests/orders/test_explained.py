"""Every change of an order's state names its job or its person, whatever becomes of the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orders.cancelling import cancel_order
from orders.entries import entries
from orders.models import Order, OrderEvent
from orders.why import records_of
from tasks.context import calling
from tasks.models import Effect
from tests.orders import makers, witness
from tests.orders.provider import ScriptedProvider
from tests.orders.sink import SmtpSink
from tests.orders.stepping import make_steppable
from tests.orders.world import World
from tests.shop.auditor import world as auditor_world

pytestmark = pytest.mark.django_db(transaction=True)

ASKING = ("payment", "pending", "charging")
"""Told by the effect: it is written by the same job, just before the provider is asked."""

ENDS = {
    ("order", "", "placed"),
    ("order", "placed", "reserved"),
    ("order", "reserved", "confirmed"),
    ("order", "placed", "failed"),
    ("order", "reserved", "failed"),
    ("order", "placed", "cancelled"),
    ("order", "confirmed", "cancelled"),
    ("order", "confirmed", "refunded"),
    ("payment", "", "pending"),
    ASKING,
    ("payment", "charging", "captured"),
    ("payment", "charging", "refused"),
    ("payment", "pending", "void"),
    ("payment", "captured", "refunded"),
}


@pytest.fixture
def watched() -> Iterator[None]:
    with witness.watching():
        yield


def assert_explained() -> None:
    asked = [each for each in witness.unexplained() if (each[0], *each[2:]) == ASKING]
    assert [each for each in witness.unexplained() if each not in asked] == []
    for _, order_id, *_ in asked:
        assert Effect.objects.get(key=f"order:{order_id}:charge").job_id
    for order in Order.objects.select_related("payment"):
        story = entries(records_of(order))
        assert [entry for entry in story if not entry.is_explained] == []


@pytest.mark.usefixtures("watched")
def test_given_orders_that_came_to_all_their_ends_then_each_change_names_its_job_or_person(
    provider: ScriptedProvider, sink: SmtpSink
) -> None:
    with calling(name="user:7"):  # the people who cancel, refund and resend
        auditor_world.build(provider)
    assert witness.changes() >= ENDS
    assert_explained()


def cancel(order: Order) -> Callable[[], Any]:
    return lambda: cancel_order(order_id=order.pk, actor="ann", reason="asked by phone")


@pytest.mark.parametrize("answer", ["ok", "lost_before", "lost_after", "decline"])
@pytest.mark.usefixtures("watched")
def test_given_an_order_cancelled_while_it_is_charged_then_what_becomes_of_the_money_is_explained(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    world = World(provider)
    provider.script.append(answer)
    charge = provider.charge

    def slowly(**arguments: Any) -> Any:
        cancel(world.order)()
        return charge(**arguments)

    monkeypatch.setattr(provider, "charge", slowly)
    world.start().finish()
    monkeypatch.setattr(provider, "charge", charge)
    world.calm_down()

    world.assert_settled()
    ends = {"ok": "refunded", "lost_after": "refunded", "decline": "refused", "lost_before": "void"}
    assert makers.fresh(world.order).payment.state == ends[answer]
    assert ("order", "reserved", "cancelled") in witness.changes()
    assert_explained()


@pytest.mark.usefixtures("watched")
def test_given_a_run_that_is_killed_again_and_again_then_all_it_did_is_explained(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_steppable(monkeypatch, provider)
    for steps in range(0, 40, 4):
        world = World(provider)
        run = world.start()
        for _ in range(steps):
            if not run.ended:
                run.step()
        run.kill()
        world.reap()
        world.calm_down()
        world.assert_settled()
    assert_explained()


@pytest.mark.usefixtures("watched")
def test_given_a_change_that_nobody_owns_then_it_is_found() -> None:
    order = makers.order()
    Order.objects.filter(pk=order.pk).update(state=Order.State.CONFIRMED)
    event = OrderEvent.objects.create(order=order, kind="confirmed", message="It is confirmed.")

    assert witness.unexplained() == [("order", order.pk, "placed", "confirmed")]
    [found] = [each for each in entries(records_of(order)) if not each.is_explained]
    assert found.title == event.message

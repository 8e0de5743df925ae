"""Orders through real processes: dispatcher, RabbitMQ, worker, the sandbox provider, SMTP.

One test kills the worker's child in the middle of a checkout.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from orders.cancelling import cancel_order
from orders.models import Order, Payment
from orders.sandbox.models import Charge, Refund
from stack.ports import free_port
from tasks.models import LIVE_STATES, Job, JobState
from tests.auditing import assert_sound, breaches
from tests.orders import makers
from tests.orders.sink import SmtpSink
from tests.running import Runner, Running

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ("checkout", "email")
KEY = "test-key"
Wait = Callable[..., object]


@pytest.fixture
def provider_port(runner: Runner) -> int:
    """The sandbox provider, in a process of its own."""
    port = free_port()
    runner.start_provider(
        port, env={"SANDBOX_PAYMENTS_KEY": KEY, "SANDBOX_HANG_S": "3", "SANDBOX_SETTLE_S": "0.5"}
    )
    return port


@pytest.fixture
def worker(runner: Runner, provider_port: int, sink: SmtpSink) -> Running:
    host, port = sink.address
    env = {
        "SANDBOX_PAYMENTS_URL": f"http://127.0.0.1:{provider_port}",
        "SANDBOX_PAYMENTS_KEY": KEY,
        "PAYMENT_TIMEOUT_S": "1",
        "EMAIL_URL": f"smtp://{host}:{port}",
    }
    runner.start_dispatcher(env=env)
    return runner.start_worker(QUEUES, env=env)


def settled(*orders: Order) -> Callable[[], bool]:
    """All jobs of the orders have ended."""
    subjects = [order.reference for order in orders]
    return lambda: not Job.objects.filter(subject__in=subjects, state__in=LIVE_STATES).exists()


def test_every_card_comes_to_its_end(worker: Running, sink: SmtpSink, wait_until: Wait) -> None:
    """Given a card for each trouble / When the orders run / Then paid once, or failed with none."""
    mug = makers.product(on_hand=100)
    cards = ("pm_ok", "pm_decline", "pm_slow", "pm_timeout", "pm_error500", "pm_error500_after")
    orders = {card: makers.order(mug, payment_method=card) for card in cards}
    orders["unknown"] = makers.order(mug, payment_method="pm_of_another_shop")
    wait_until(settled(*orders.values()), 90)

    assert not Job.objects.filter(state=JobState.DEAD).exists()
    bad = {orders.pop("pm_decline"), orders.pop("unknown")}
    for order in bad:
        now = makers.fresh(order)
        assert (now.state, now.payment.state) == (Order.State.FAILED, Payment.State.REFUSED)
    for card, order in orders.items():
        now = makers.fresh(order)
        assert (now.state, now.payment.state) == (
            Order.State.CONFIRMED,
            Payment.State.CAPTURED,
        ), card
        charge = Charge.objects.get(key=f"{order.reference}:charge")
        assert (charge.state, charge.amount_minor) == ("succeeded", order.total_minor)
    assert makers.shelf(mug) == (100 - 2 * len(orders), 0)
    assert sorted(message["Subject"] for message in sink.messages) == sorted(
        f"Your order {order.pk} is confirmed" for order in orders.values()
    )
    assert_sound()


def test_a_worker_killed_in_mid_checkout_charges_and_writes_once(
    worker: Running, sink: SmtpSink, wait_until: Wait
) -> None:
    """Given a charge whose answer never comes / When the worker's child is killed / Then once."""
    mug = makers.product(on_hand=5)
    order = makers.order(mug, payment_method="pm_timeout")
    wait_until(lambda: Charge.objects.filter(key=f"{order.reference}:charge").exists())
    worker.kill_child()
    wait_until(settled(order), 90)

    assert makers.fresh(order).state == Order.State.CONFIRMED
    assert Charge.objects.filter(key=f"{order.reference}:charge").count() == 1
    assert makers.shelf(mug) == (3, 0)
    assert len(sink.messages) == 1
    assert makers.kinds(order) == ["placed", "reserved", "charged", "confirmed", "email_sent"]
    assert_sound()


def test_orders_cancelled_at_once_keep_neither_goods_nor_money(
    worker: Running, sink: SmtpSink, wait_until: Wait
) -> None:
    """Given orders that are cancelled while the worker is at them / Then all is given back."""
    mug = makers.product(on_hand=100)
    orders = [makers.order(mug, payment_method="pm_slow") for _ in range(4)]
    charging = Payment.objects.filter(state=Payment.State.CHARGING)
    wait_until(charging.exists)
    for order in orders:
        assert cancel_order(order_id=order.pk)
    wait_until(settled(*orders), 60)

    for order in orders:
        now = makers.fresh(order)
        assert now.state == Order.State.CANCELLED
        assert now.payment.state in (Payment.State.VOID, Payment.State.REFUNDED)
    taken = Charge.objects.filter(state="succeeded").count()
    assert Refund.objects.count() == taken
    assert makers.shelf(mug) == (100, 0)
    assert_sound()


def test_a_wrong_api_key_costs_no_order(
    runner: Runner, provider_port: int, sink: SmtpSink, wait_until: Wait
) -> None:
    """Given a shop that uses a wrong key / Then the job waits for a person, the order with it."""
    env = {
        "SANDBOX_PAYMENTS_URL": f"http://127.0.0.1:{provider_port}",
        "SANDBOX_PAYMENTS_KEY": "wrong",
    }
    runner.start_dispatcher(env=env)
    runner.start_worker(("checkout",), env=env)
    order = makers.order()
    wait_until(lambda: Job.objects.filter(state=JobState.DEAD).exists())
    assert makers.fresh(order).state == Order.State.RESERVED
    url = f"http://127.0.0.1:{provider_port}/charges?key={order.reference}:charge"
    found = httpx.get(url, headers={"Authorization": f"Bearer {KEY}"})
    assert found.json() == {"data": []}
    stuck = [(breach.invariant, breach.is_stuck) for breach in breaches()]
    assert sorted(stuck) == [("effects.settled", True), ("orders.worked_on", True)]

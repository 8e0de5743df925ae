"""An order's whole way: browser, web, ledger, dispatcher, RabbitMQ, worker, payment, e-mail."""

from __future__ import annotations

import pytest

from inventory.models import Stock, StockMovement
from orders.models import Order
from orders.placing import LineRequest, place_order
from stack.ports import free_port
from tests.running import Runner
from tests.shop.goods import product
from tests.shop.storefront.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

QUEUES = ("checkout", "stock", "email", "default")


@pytest.fixture
def shop(runner: Runner) -> Runner:
    """Everything that runs behind the web: provider, dispatcher and one worker for all queues."""
    port = free_port()
    env = {
        "SANDBOX_PAYMENTS_URL": f"http://127.0.0.1:{port}",
        "SANDBOX_PAYMENTS_KEY": "test-key",
        "EMAIL_URL": "consolemail://",
    }
    runner.start_provider(port, env=env)
    runner.start_dispatcher(env=env)
    runner.start_worker(QUEUES, env=env)
    return runner


def buy(visitor: Visitor, card: str) -> None:
    visitor.see("a.button.primary", "Check out").click()
    visitor.see("#id_email").send_keys("ann@example.com")
    visitor.see(f"input[value={card}]").click()
    visitor.see("button", "Place the order").click()
    visitor.arrive("/orders/")


@pytest.mark.usefixtures("shop")
def test_given_a_declined_card_when_trying_another_then_the_order_is_paid_and_mailed(
    visitor: Visitor,
) -> None:
    product("MUG-1", name="Blue mug", price_minor=450, units=20)
    visitor.open("/")
    visitor.see(".card button", "Add to cart").click()
    visitor.arrive("/cart/")

    buy(visitor, "pm_decline")
    visitor.see("[data-headline]", "Not completed")
    visitor.see("button", "Put these items back").click()
    visitor.arrive("/cart/")
    buy(visitor, "pm_ok")
    visitor.see("[data-headline]", "Confirmed")
    visitor.see(".order[data-final='true']")

    paid, declined = Order.objects.order_by("-id")
    assert (paid.state, declined.state) == (Order.State.CONFIRMED, Order.State.FAILED)
    visitor.see(".timeline li", "mail")
    stock = Stock.objects.get()
    assert (stock.on_hand, stock.reserved) == (19, 0)
    assert StockMovement.objects.filter(kind=StockMovement.Kind.SOLD).count() == 1
    assert visitor.severe_logs() == []


def test_given_one_left_and_two_who_ordered_it_then_one_is_told_that_it_is_sold_out(
    visitor: Visitor, request: pytest.FixtureRequest
) -> None:
    product("MUG-1", name="Blue mug", units=1)
    first, second = (
        place_order(email=email, lines=[LineRequest("MUG-1", 1)], payment_method="pm_ok")
        for email in ("ann@example.com", "bob@example.com")
    )
    visitor.open(f"/orders/{second.code}/")
    visitor.see("[data-headline]", "Received")

    request.getfixturevalue("shop")

    visitor.see("[data-headline]", "Not completed")
    visitor.see("[data-detail]", "Blue mug")
    visitor.open(f"/orders/{first.code}/")
    visitor.see("[data-headline]", "Confirmed")
    assert Stock.objects.get().on_hand == 0

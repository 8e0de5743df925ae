from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import Settings

from inventory.models import Product, Reservation, Stock
from orders.models import Order
from tasks.models import Job
from tests.shop.caching import forget_everything
from tests.shop.goods import product

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

GOOD = {"email": "ann@example.com", "payment_method": "pm_ok"}


def token_on(page: bytes) -> str:
    found = re.search(rb'name="token" value="([^"]+)"', page)
    assert found
    return found.group(1).decode()


def fill_cart(client: Client, **quantities: int) -> None:
    for sku, quantity in quantities.items():
        answer = client.post(f"/products/{sku}/", {"quantity": str(quantity)})
        assert answer.status_code == 302


def check_out(client: Client, **fields: str) -> Answer:
    """Open the checkout and send its form."""
    token = token_on(client.get("/checkout/").content)
    return client.post("/checkout/", {**GOOD, "token": token, **fields})


def assert_refused(answer: Answer, message: str) -> None:
    assert answer.status_code == 400
    assert message in answer.content.decode().replace("&#x27;", "'")
    assert not Order.objects.exists()
    assert not Job.objects.exists()
    assert not Reservation.objects.exists()


def test_given_a_guest_with_a_cart_when_checking_out_then_an_order_and_its_job_exist(
    client: Client,
) -> None:
    product("MUG", price_minor=450)
    fill_cart(client, MUG=2)

    answer = check_out(client)

    order = Order.objects.get()
    assert answer["Location"] == f"/orders/{order.code}/"
    assert (order.email, order.user, order.total_minor) == ("ann@example.com", None, 900)
    assert order.payment_method == "pm_ok"
    assert Job.objects.filter(task="orders.advance_checkout").count() == 1
    assert client.get("/cart/").content.decode().count("Your cart is empty") == 1


def test_given_a_signed_in_customer_then_the_order_is_theirs(client: Client) -> None:
    product("MUG")
    user = User.objects.create_user("ann", "ann@home.example", "secret-Word-1")
    client.force_login(user)
    fill_cart(client, MUG=1)

    assert b'value="ann@home.example"' in client.get("/checkout/").content
    check_out(client)

    order = Order.objects.get()
    assert order.user == user
    assert Job.objects.get(task="orders.advance_checkout").enqueued_by == f"user:{user.pk}"


def test_given_prices_totals_and_states_from_the_client_then_nobody_looks_at_them(
    client: Client,
) -> None:
    product("MUG", price_minor=450)
    fill_cart(client, MUG=2)

    check_out(client, total="1", total_minor="1", price_minor="1", state="confirmed", quantity="1")

    order = Order.objects.get()
    assert (order.total_minor, order.state) == (900, Order.State.PLACED)
    assert order.lines.get().unit_price_minor == 450


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "a@b", "\0@example.com", "a" * 250 + "@b.example"]
)
def test_given_a_bad_email_then_the_form_says_so(client: Client, email: str) -> None:
    product("MUG")
    fill_cart(client, MUG=1)

    answer = check_out(client, email=email)

    assert_refused(answer, "e-mail address")
    assert b'aria-invalid="true"' in answer.content


@pytest.mark.parametrize("card", ["", "pm_free", "4242424242424242", "\0"])
def test_given_a_card_that_is_not_offered_then_the_form_says_so(client: Client, card: str) -> None:
    product("MUG")
    fill_cart(client, MUG=1)

    assert_refused(check_out(client, payment_method=card), "Choose")


def test_given_an_empty_cart_then_there_is_nothing_to_order(client: Client) -> None:
    assert client.get("/checkout/")["Location"] == "/cart/"
    assert_refused(client.post("/checkout/", GOOD), "Your cart is empty")


def test_given_goods_that_are_sold_no_more_then_the_form_names_them(client: Client) -> None:
    product("MUG")
    fill_cart(client, MUG=1)
    token = token_on(client.get("/checkout/").content)
    Product.objects.update(is_active=False)
    forget_everything()

    assert_refused(client.post("/checkout/", {**GOOD, "token": token}), "We don't sell this")


def test_given_goods_that_sold_out_meanwhile_then_the_form_names_them(client: Client) -> None:
    product("MUG")
    fill_cart(client, MUG=2)
    token = token_on(client.get("/checkout/").content)
    Stock.objects.update(on_hand=1)
    forget_everything()

    assert_refused(client.post("/checkout/", {**GOOD, "token": token}), "Blue mug: Only 1 left.")


def test_given_a_price_that_rose_meanwhile_then_the_customer_is_asked_again(client: Client) -> None:
    product("MUG", price_minor=450)
    fill_cart(client, MUG=2)
    token = token_on(client.get("/checkout/").content)
    Product.objects.update(price_minor=500)

    answer = client.post("/checkout/", {**GOOD, "token": token})

    assert_refused(answer, "The total has changed to £10.00.")
    assert client.post("/checkout/", {**GOOD, "token": token}).status_code == 302
    assert Order.objects.get().total_minor == 1000


@pytest.mark.parametrize("token", ["", "forged", "\0", "x" * 1000, "ü"])
def test_given_no_token_or_a_forged_one_then_the_page_is_shown_again(
    client: Client, token: str
) -> None:
    product("MUG")
    fill_cart(client, MUG=1)

    assert_refused(check_out(client, token=token), "look at your order and send it again")


def test_given_a_form_that_is_sent_twice_then_there_is_one_order(client: Client) -> None:
    product("MUG")
    fill_cart(client, MUG=1)
    token = token_on(client.get("/checkout/").content)

    first = client.post("/checkout/", {**GOOD, "token": token})
    fill_cart(client, MUG=3)
    second = client.post("/checkout/", {**GOOD, "token": token})

    assert first["Location"] == second["Location"] == f"/orders/{Order.objects.get().code}/"


@pytest.mark.django_db(transaction=True)
def test_given_a_double_click_then_there_is_one_order_and_both_answers_lead_to_it(
    client: Client,
) -> None:
    product("MUG")
    fill_cart(client, MUG=1)
    form = {**GOOD, "token": token_on(client.get("/checkout/").content)}

    def click(_: int) -> str:
        tab = Client()
        tab.cookies = client.cookies
        try:
            return str(tab.post("/checkout/", form)["Location"])
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as pool:
        locations = set(pool.map(click, range(4)))

    assert locations == {f"/orders/{Order.objects.get().code}/"}
    assert Job.objects.filter(task="orders.advance_checkout").count() == 1


def test_given_a_live_payment_provider_then_the_checkout_offers_no_test_card(
    client: Client, settings: Settings
) -> None:
    settings.PAYMENT_GATEWAY, settings.STRIPE_API_KEY = "stripe", "sk_live_x"
    product("MUG")
    fill_cart(client, MUG=1)

    answer = check_out(client)

    assert_refused(answer, "can't take cards")
    assert b"Sandbox" not in answer.content


def test_given_a_form_from_another_site_then_it_is_refused() -> None:
    assert Client(enforce_csrf_checks=True).post("/checkout/", GOOD).status_code == 403

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orders import states
from orders.models import Order
from orders.placing import LineRequest, place_order
from shop.storefront.cart import SESSION_KEY
from shop.storefront.views.account import ORDERS_A_PAGE
from tests.shop.goods import product

pytestmark = pytest.mark.django_db

NEW = {
    "username": "ann",
    "email": "ann@example.com",
    "password1": "correct-Horse-9",
    "password2": "correct-Horse-9",
}


def test_given_a_visitor_with_a_cart_when_registering_then_the_cart_stays(client: Client) -> None:
    product("MUG-1")
    client.post("/products/MUG-1/", {"quantity": "2"})

    answer = client.post("/accounts/register/", {**NEW, "next": "/checkout/"})

    assert answer["Location"] == "/checkout/"
    assert client.session[SESSION_KEY] == {"MUG-1": 2}
    user = User.objects.get()
    assert (user.username, user.is_staff, user.is_superuser) == ("ann", False, False)


def test_given_rights_in_the_form_then_a_customer_gets_none(client: Client) -> None:
    client.post("/accounts/register/", {**NEW, "is_staff": "on", "is_superuser": "on"})

    user = User.objects.get()
    assert not user.is_staff and not user.is_superuser


def test_given_a_weak_password_then_the_form_says_why(client: Client) -> None:
    answer = client.post("/accounts/register/", {**NEW, "password1": "1234", "password2": "1234"})

    assert answer.status_code == 400
    assert b"too short" in answer.content
    assert not User.objects.exists()


@pytest.mark.parametrize("wish", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_given_another_sites_address_to_go_to_then_it_is_ignored(client: Client, wish: str) -> None:
    assert client.post("/accounts/register/", {**NEW, "next": wish})["Location"] == "/"


def test_given_an_account_then_it_signs_in_and_out(client: Client) -> None:
    User.objects.create_user("ann", password="correct-Horse-9")

    wrong = client.post("/accounts/login/", {"username": "ann", "password": "no"})
    right = client.post(
        "/accounts/login/", {"username": "ann", "password": "correct-Horse-9"}, follow=True
    )
    out = client.post("/accounts/logout/", follow=True)

    assert b"enter a correct username" in wrong.content
    assert b"Sign out" in right.content
    assert b"Sign in" in out.content


def order_of(user: User | None, *, quantity: int = 1) -> Order:
    return place_order(
        email="ann@example.com",
        lines=[LineRequest("MUG-1", quantity)],
        payment_method="pm_ok",
        user=user,
    )


def test_given_orders_then_customers_find_their_own_newest_first(client: Client) -> None:
    product("MUG-1", name="Blue mug", price_minor=450)
    ann, bob = (User.objects.create_user(name) for name in ("ann", "bob"))
    first, second = order_of(ann, quantity=2), order_of(ann)
    states.failed(first.pk, reason="The card was declined.")
    others = [order_of(bob), order_of(None)]
    client.force_login(ann)

    page = client.get("/accounts/orders/").content.decode()

    assert page.index(f"/orders/{second.code}/") < page.index(f"/orders/{first.code}/")
    assert "2 × Blue mug" in page and "£9.00" in page
    assert "Not completed" in page and "Received" in page
    assert not any(other.code in page for other in others)


def test_given_no_account_then_the_orders_ask_for_one(client: Client) -> None:
    assert client.get("/accounts/orders/")["Location"] == "/accounts/login/?next=/accounts/orders/"


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "99", "\0"])
def test_given_no_orders_then_any_page_says_so(client: Client, page: str) -> None:
    client.force_login(User.objects.create_user("ann"))

    answer = client.get("/accounts/orders/", {"page": page})

    assert b"You have not ordered anything" in answer.content


def test_given_many_orders_then_the_pages_part_them_and_ask_the_database_no_more_often(
    client: Client,
) -> None:
    product("MUG-1", units=1000)
    ann = User.objects.create_user("ann")
    client.force_login(ann)

    def queries_with(orders: int) -> int:
        for _ in range(orders):
            order_of(ann)
        client.get("/accounts/orders/")  # what the session's first look costs
        with CaptureQueriesContext(connection) as queries:
            client.get("/accounts/orders/")
        return len(queries)

    few = queries_with(2)
    many = queries_with(ORDERS_A_PAGE)

    assert few == many
    assert b"Page 2 of 2" in client.get("/accounts/orders/", {"page": "2"}).content

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from shop.storefront.cart import SESSION_KEY
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

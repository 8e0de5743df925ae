"""Keys and cookies: who gets in, and what gets nobody in."""

from __future__ import annotations

import hashlib

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders.models import Order
from shop.api import keys
from shop.api.models import ApiKey, Scope
from tests.shop.api.callers import PASSWORD, Program, key_of, wish
from tests.shop.goods import product

pytestmark = pytest.mark.django_db


def test_given_a_new_key_then_only_its_digest_is_kept(ann: User) -> None:
    record, key = keys.create_key(name="till", user=ann, scopes=[Scope.READ])

    kept = ApiKey.objects.values().get()
    assert kept["digest"] == hashlib.sha256(key.encode()).hexdigest()
    assert not any(key in str(value) for value in kept.values())
    assert key.startswith(record.hint) and len(key) > len(record.hint) + 30


def test_given_a_key_in_use_then_it_is_known_when_to_the_minute(program: Program) -> None:
    assert ApiKey.objects.get().last_used_at is None
    program.get("/orders")
    first = ApiKey.objects.get().last_used_at
    program.get("/orders")

    assert first is not None
    assert ApiKey.objects.get().last_used_at == first


@pytest.mark.parametrize("key", ["", "shopkey_", "shopkey_wrong", "x" * 5000, "shopkey_\xe9"])
def test_given_a_wrong_key_then_even_what_is_public_refuses_it(
    program: Program, client: Client, key: str
) -> None:
    for path in ("/orders", "/products"):
        answer = Program(client, key).get(path)
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_given_a_revoked_key_or_a_blocked_user_then_nobody_gets_in(
    program: Program, client: Client, ann: User
) -> None:
    other = Program(client, key_of(ann))
    assert keys.revoke_key(key_id=ApiKey.objects.latest("id").pk)
    assert other.get("/orders").status_code == 401
    assert program.get("/orders").status_code == 200

    User.objects.update(is_active=False)
    assert program.get("/orders").status_code == 401


def test_given_a_signed_in_browser_then_it_changes_things_only_with_its_csrf_token(
    ann: User,
) -> None:
    product("MUG-1")
    browser = Client(enforce_csrf_checks=True)
    browser.login(username="ann", password=PASSWORD)
    headers = {"Idempotency-Key": "1"}

    without = browser.post("/api/checkout", wish(), "application/json", headers=headers)
    assert (without.status_code, without["Content-Type"]) == (403, "application/problem+json")
    assert not Order.objects.exists()
    assert browser.get("/api/orders").status_code == 200

    browser.get("/accounts/login/")
    headers["X-CSRFToken"] = browser.cookies["csrftoken"].value
    answer = browser.post("/api/checkout", wish(), "application/json", headers=headers)
    assert answer.status_code == 201
    assert Order.objects.get().user == ann


def test_given_a_cookie_of_nobody_then_it_is_a_guests(client: Client) -> None:
    client.cookies["sessionid"] = "made-up"

    assert client.get("/api/products").status_code == 200
    assert client.get("/api/orders").status_code == 401

"""POST /api/checkout: one order a key, whatever the client, the network or our process does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from inventory.models import Product
from orders.models import Order
from shop.api import idempotency
from shop.api.models import IdempotentReply, Scope
from tasks.models import Job
from tests.orders.seams import KillAt, Killed
from tests.shop.api.callers import Program, key_of, user, wish
from tests.shop.goods import product

MOST_STATEMENTS = 100

REUSED = "urn:shop:problem:key-reused"


@pytest.fixture
def mug(db: None) -> Product:
    return product("MUG-1", name="Blue mug", price_minor=450)


def test_given_a_wish_then_it_is_ordered_for_the_keys_user_at_the_shops_price(
    program: Program, ann: User, mug: Product
) -> None:
    answer = program.checkout()

    order = Order.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "code": order.code,
        "number": order.pk,
        "state": "placed",
        "ended": False,
        "failure": "",
        "total_minor": 900,
        "currency": "GBP",
        "placed_at": order.placed_at.isoformat().replace("+00:00", "Z"),
        "lines": [{"sku": "MUG-1", "name": "Blue mug", "quantity": 2, "unit_price_minor": 450}],
    }
    assert "Idempotent-Replayed" not in answer
    assert (order.user, order.email) == (ann, "ann@example.com")
    assert Job.objects.get().enqueued_by == IdempotentReply.objects.get().owner


def test_given_the_same_request_again_then_the_reply_is_the_same_byte_for_byte(
    program: Program, mug: Product
) -> None:
    first = program.checkout()
    Order.objects.update(failure="something happened since")
    again = program.checkout()

    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert Order.objects.count() == Job.objects.count() == 1


def test_given_the_same_wish_in_other_json_then_it_is_the_same_request(
    program: Program, mug: Product
) -> None:
    first = program.checkout()
    turned = dict(reversed(wish().items()))
    again = program.post("/checkout", json.dumps(turned, indent=3), **{"Idempotency-Key": "k1"})

    assert again.content == first.content


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "bob@example.com"},
        {"lines": [{"sku": "MUG-1", "quantity": 3}]},
        {"payment_method": "pm_slow"},
    ],
)
def test_given_a_used_key_and_another_wish_then_it_is_refused(
    program: Program, mug: Product, changes: dict[str, Any]
) -> None:
    program.checkout()
    other = program.checkout(**changes)

    assert (other.status_code, other.json()["type"]) == (422, REUSED)
    assert Order.objects.count() == 1


def test_given_two_customers_with_the_same_key_then_each_gets_an_order(
    program: Program, client: Client, mug: Product
) -> None:
    bob = Program(client, key_of(user("bob")))

    assert program.checkout("1").json()["code"] != bob.checkout("1").json()["code"]
    assert Order.objects.count() == 2


def test_given_a_refused_wish_then_its_key_is_not_used_up(program: Program, mug: Product) -> None:
    refused = program.checkout(lines=[{"sku": "NOPE", "quantity": 1}])
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"where": "body.lines.0", "message": "We don't sell this."}]
    assert not IdempotentReply.objects.exists()

    assert program.checkout().status_code == 201


def test_given_a_reply_that_was_lost_then_the_order_is_found_again(
    program: Program, mug: Product
) -> None:
    first = program.checkout()
    IdempotentReply.objects.all().delete()

    again = program.checkout()
    assert again.json()["code"] == first.json()["code"]
    assert again["Idempotent-Replayed"] == "true"
    IdempotentReply.objects.all().delete()
    other = program.checkout(lines=[{"sku": "MUG-1", "quantity": 3}])
    assert (other.status_code, other.json()["type"]) == (422, REUSED)
    assert Order.objects.count() == 1


def test_given_replies_then_they_are_deleted_after_a_day(program: Program, mug: Product) -> None:
    program.checkout("old")
    IdempotentReply.objects.update(created_at="2020-01-01T00:00Z")
    program.checkout("new")

    assert idempotency.prune() == 1
    assert IdempotentReply.objects.get().key == "new"


def test_given_a_reply_then_it_holds_nothing_personal(program: Program, mug: Product) -> None:
    program.checkout()

    saved = IdempotentReply.objects.values_list("owner", "fingerprint", "body").get()
    assert "ann" not in "".join(saved).lower()


@pytest.mark.parametrize(
    "body",
    [
        wish(lines=[]),
        wish(lines=[{"sku": "MUG-1", "quantity": "2"}]),
        wish(lines=[{"sku": "MUG-1", "quantity": True}]),
        wish(lines=[{"sku": "MUG-1", "quantity": 0}]),
        wish(lines=[{"sku": "MUG\0", "quantity": 1}]),
        wish(lines=[{"sku": "MUG-1", "quantity": 1, "unit_price_minor": 1}]),
        wish(total_minor=1),
        wish(email="\ud800@example.com"),
        wish(payment_method="4242 4242 4242 4242"),
        [],
        "text",
    ],
    ids=repr,
)
def test_given_a_body_that_does_not_fit_then_nothing_is_ordered(
    program: Program, mug: Product, body: object
) -> None:
    answer = program.post("/checkout", json.dumps(body), **{"Idempotency-Key": "k1"})

    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["where"].startswith("body")
    assert not Order.objects.exists()


def test_given_no_idempotency_key_then_nothing_is_ordered(program: Program, mug: Product) -> None:
    answer = program.post("/checkout", wish())

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "header.Idempotency-Key"
    assert not Order.objects.exists()


def test_given_nobody_or_a_key_for_reading_then_nothing_is_ordered(
    client: Client, ann: User, mug: Product
) -> None:
    nobody = client.post("/api/checkout", wish(), "application/json")
    reader = Program(client, key_of(ann, Scope.READ)).checkout()

    assert (nobody.status_code, nobody["WWW-Authenticate"]) == (401, 'Bearer realm="shop"')
    assert (reader.status_code, reader["Content-Type"]) == (403, "application/problem+json")
    assert not Order.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_statement_the_next_request_ends_right(program: Program) -> None:
    """Given a kill at each statement in turn / When asked again / Then one order, one reply."""
    product("MUG-1", units=10_000)
    for number in range(1, MOST_STATEMENTS):
        key = f"killed-at-{number}"
        survived = not _killed(lambda key=key: program.checkout(key), number)  # type: ignore[misc]
        answer = program.checkout(key)

        source = Order.objects.filter(code=answer.json()["code"]).values_list("source")
        assert answer.status_code == 201, f"killed at statement {number}"
        assert Order.objects.filter(source__in=source).count() == 1
        assert IdempotentReply.objects.filter(key=key).count() == 1
        assert Job.objects.filter(subject=f"order:{answer.json()['number']}").count() == 1
        if survived:
            assert number > 10, "the statements are not visited"
            return
    raise AssertionError(f"more than {MOST_STATEMENTS} statements")


def _killed(request: Callable[[], object], number: int) -> bool:
    """Whether the request was killed at its statement of this number; False: it has fewer."""
    kill = KillAt(number)

    def statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        kill("sql")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(statement):
        try:
            request()
        except Killed:
            return True
    return False

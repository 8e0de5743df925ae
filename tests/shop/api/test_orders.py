"""How orders stand and calling them off: whose they are decides."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders import states
from orders.models import Order
from orders.placing import LineRequest, place_order
from shop.api.models import Scope
from tests.shop.api.callers import Program, key_of, user
from tests.shop.goods import product

pytestmark = pytest.mark.django_db

JSON = "application/json"


def placed(**values: Any) -> Order:
    return place_order(
        email="ann@example.com",
        lines=[LineRequest("MUG-1", 1)],
        payment_method="pm_ok",
        **values,
    )


@pytest.fixture(autouse=True)
def mug(db: None) -> None:
    product("MUG-1")


def state_of(order: Order) -> str:
    return Order.objects.get(pk=order.pk).state


def test_given_a_code_then_anybody_may_see_the_order_and_no_address(client: Client) -> None:
    order = placed()
    answer = client.get(f"/api/orders/{order.code}")

    assert (answer.status_code, answer.json()["state"]) == (200, "placed")
    assert "example.com" not in answer.content.decode()


@pytest.mark.parametrize("code", ["1", "nope", "a" * 33, "..", "%00", "%F0%9F%98%80"])
def test_given_no_such_code_then_it_is_a_problem(client: Client, code: str) -> None:
    placed()
    for path in (f"/api/orders/{code}", f"/api/orders/{code}/events"):
        answer = client.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_given_orders_of_two_customers_then_each_lists_their_own(
    program: Program, ann: User
) -> None:
    ours, _theirs, _guests = placed(user=ann), placed(user=user("bob")), placed()

    listed = program.get("/orders").json()
    assert [order["code"] for order in listed["items"]] == [ours.code]
    assert listed["next_before"] is None


def test_given_more_orders_than_a_page_then_they_come_page_by_page(
    program: Program, ann: User
) -> None:
    numbers = [placed(user=ann).pk for _ in range(51)]

    first = program.get("/orders").json()
    second = program.get("/orders", {"before": first["next_before"]}).json()
    got = [order["number"] for order in first["items"] + second["items"]]
    assert got == sorted(numbers, reverse=True)
    assert second["next_before"] is None


def test_given_a_guests_order_then_its_code_is_enough_to_cancel_it(client: Client) -> None:
    order = placed()
    first = client.post(f"/api/orders/{order.code}/cancel", content_type=JSON)
    again = client.post(f"/api/orders/{order.code}/cancel", content_type=JSON)

    assert [first.status_code, again.status_code] == [200, 200]
    assert (first.json()["state"], first.json()["ended"]) == ("cancelled", True)
    assert order.events.filter(kind="cancelled").count() == 1


def test_given_an_accounts_order_then_only_that_account_cancels_it(
    client: Client, program: Program, ann: User
) -> None:
    order = placed(user=ann)
    bob = Program(client, key_of(user("bob")))

    assert client.post(f"/api/orders/{order.code}/cancel", content_type=JSON).status_code == 403
    assert bob.post(f"/orders/{order.code}/cancel").status_code == 403
    assert state_of(order) == "placed"
    assert program.post(f"/orders/{order.code}/cancel").status_code == 200
    assert state_of(order) == "cancelled"


def test_given_an_order_that_failed_then_it_can_not_be_cancelled(client: Client) -> None:
    order = placed()
    states.failed(order.pk, reason="Sold out.")
    answer = client.post(f"/api/orders/{order.code}/cancel", content_type=JSON)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:shop:problem:order-ended")


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("get", "/orders", Scope.READ),
        ("get", "/orders/{code}", Scope.READ),
        ("get", "/orders/{code}/events", Scope.READ),
        ("post", "/orders/{code}/cancel", Scope.CANCEL),
        ("post", "/checkout", Scope.PLACE),
    ],
)
def test_given_a_key_with_every_scope_but_the_one_then_it_is_forbidden(
    client: Client, ann: User, method: str, path: str, needed: Scope
) -> None:
    order = placed(user=ann)
    narrow = Program(client, key_of(ann, *(set(Scope.values) - {needed.value})))

    answer = getattr(narrow, method)(path.format(code=order.code))
    assert (answer.status_code, needed.value in answer.json()["detail"]) == (403, True)
    assert state_of(order) == "placed"
    assert Order.objects.count() == 1


def test_given_a_get_then_nothing_is_cancelled(client: Client) -> None:
    order = placed()
    answer = client.get(f"/api/orders/{order.code}/cancel")

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert state_of(order) == "placed"

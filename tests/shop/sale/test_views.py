"""The page of a sale, and who may see it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from inventory import stock
from orders.models import Order
from orders.placing import LineRequest, place_order
from tests.shop.goods import product

pytestmark = pytest.mark.django_db


def order(sku: str, quantity: int = 1) -> Order:
    return place_order(
        email="ann@shop.example", lines=[LineRequest(sku, quantity)], payment_method="pm_ok"
    )


@pytest.fixture
def staff(client: Client) -> Client:
    user = User.objects.create_user("sam", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_order"))
    client.force_login(user)
    return client


def test_given_orders_in_every_state_when_looked_at_then_the_numbers_add_up(staff: Client) -> None:
    product("MUG-1", units=20)
    order("MUG-1", 2)
    confirmed, told, declined = (order("MUG-1", 3) for _ in range(3))
    Order.objects.filter(pk=confirmed.pk).update(state="confirmed")
    Order.objects.filter(pk=told.pk).update(state="failed", failure="Sold out: Blue mug (0 left).")
    Order.objects.filter(pk=declined.pk).update(state="failed", failure="The payment was declined")
    score = staff.get("/sales/MUG-1/score").json()
    assert score["orders"] == 4
    assert (score["waiting"], score["confirmed"], score["sold_out"]) == (1, 1, 1)
    assert score["ended_otherwise"] == 1
    assert (score["units_sold"], score["units_left"]) == (3, 20)
    assert score["jobs"] == 4
    assert not score["is_over"]
    page = staff.get("/sales/MUG-1/").content.decode()
    assert "Blue mug" in page
    assert '<dd data-figure="orders">4</dd>' in page


def test_given_a_shelf_filled_anew_when_looked_at_then_older_orders_do_not_count(
    staff: Client,
) -> None:
    made = product("MUG-1", units=20)
    order("MUG-1")
    stock.receive(product_id=made.pk, quantity=5, reference="delivery:2")
    assert staff.get("/sales/MUG-1/score").json()["orders"] == 0


@pytest.mark.parametrize("path", ["/sales/MUG-1/", "/sales/MUG-1/score"])
def test_given_a_visitor_without_the_permission_then_nothing_is_told(
    client: Client, path: str
) -> None:
    product("MUG-1")
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={path}")
    client.force_login(User.objects.create_user("eve", is_staff=True))
    assert client.get(path).status_code == 403


def test_given_no_such_product_then_it_is_not_found(staff: Client) -> None:
    assert staff.get("/sales/NONE/").status_code == 404


def test_given_a_post_then_it_is_refused(staff: Client) -> None:
    product("MUG-1")
    assert staff.post("/sales/MUG-1/").status_code == 405

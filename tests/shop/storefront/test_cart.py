from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inventory.models import Product, Reservation
from orders.placing import MAX_QUANTITY
from shop.storefront.cart import MAX_LINES, SESSION_KEY
from tests.shop.caching import forget_everything
from tests.shop.goods import product

pytestmark = pytest.mark.django_db

BAD_QUANTITIES = [
    "0",
    "-1",
    "1.5",
    "NaN",
    "Infinity",
    "1e3",
    "2147483648",
    "9" * 5000,
    "two",
    "",
    "\0",
    str(MAX_QUANTITY + 1),
]


def cart_of(client: Client) -> dict[str, int]:
    return dict(client.session.get(SESSION_KEY, {}))


def test_given_a_product_when_it_is_added_twice_then_the_units_add_up(client: Client) -> None:
    product("MUG-1")

    client.post("/products/MUG-1/", {"quantity": "2"})
    answer = client.post("/products/MUG-1/", {"quantity": "3"}, follow=True)

    assert cart_of(client) == {"MUG-1": 5}
    assert b"Blue mug is in your cart" in answer.content
    assert "£22.50" in answer.content.decode()


@pytest.mark.parametrize("quantity", BAD_QUANTITIES)
def test_given_a_bad_quantity_when_added_then_the_form_says_why(
    client: Client, quantity: str
) -> None:
    product("MUG-1", units=MAX_QUANTITY * 2)

    answer = client.post("/products/MUG-1/", {"quantity": quantity})

    assert answer.status_code == 400
    assert b'aria-invalid="true"' in answer.content
    assert b"Enter a whole number from 1 to 10,000." in answer.content
    assert cart_of(client) == {}


@pytest.mark.parametrize("quantity", BAD_QUANTITIES)
def test_given_a_bad_quantity_when_changed_then_the_line_says_why_and_keeps_its_units(
    client: Client, quantity: str
) -> None:
    product("MUG-1", units=MAX_QUANTITY * 2)
    client.post("/products/MUG-1/", {"quantity": "2"})

    answer = client.post("/cart/MUG-1/", {"quantity": quantity})

    assert answer.status_code == 400
    assert b"Enter a whole number from 1 to 10,000." in answer.content
    assert cart_of(client) == {"MUG-1": 2}


def test_given_few_left_when_more_are_wanted_then_the_form_says_how_many(client: Client) -> None:
    product("MUG-1", units=3)
    client.post("/products/MUG-1/", {"quantity": "2"})

    added = client.post("/products/MUG-1/", {"quantity": "2"})
    changed = client.post("/cart/MUG-1/", {"quantity": "4"})

    assert added.status_code == changed.status_code == 400
    assert b"Only 3 left." in added.content and b"Only 3 left." in changed.content
    assert cart_of(client) == {"MUG-1": 2}
    assert not Reservation.objects.exists()


def test_given_many_in_stock_when_more_than_one_order_takes_are_collected_then_it_is_refused(
    client: Client,
) -> None:
    product("MUG-1", units=MAX_QUANTITY * 2)
    client.post("/products/MUG-1/", {"quantity": str(MAX_QUANTITY)})

    answer = client.post("/products/MUG-1/", {"quantity": "1"})

    assert answer.status_code == 400
    assert b"An order takes at most 10,000." in answer.content


def test_given_lines_when_changed_and_removed_then_the_cart_follows(client: Client) -> None:
    product("MUG-1")
    product("MUG-2", name="Red mug")
    client.post("/products/MUG-1/", {"quantity": "1"})
    client.post("/products/MUG-2/", {"quantity": "1"})

    client.post("/cart/MUG-2/", {"quantity": "7"})
    client.post("/cart/MUG-1/remove/")

    assert cart_of(client) == {"MUG-2": 7}


def test_given_an_unknown_sku_when_changed_or_removed_then_nothing_happens(client: Client) -> None:
    assert client.post("/cart/NOPE/", {"quantity": "1"}).status_code == 302
    assert client.post("/cart/NOPE/remove/").status_code == 302
    assert client.post("/products/NOPE/", {"quantity": "1"}).status_code == 404
    assert cart_of(client) == {}


def test_given_a_product_that_is_sold_no_more_then_its_line_says_so(client: Client) -> None:
    mug = product("MUG-1")
    client.post("/products/MUG-1/", {"quantity": "1"})
    Product.objects.filter(pk=mug.pk).update(is_active=False)
    forget_everything()

    page = client.get("/cart/").content.decode()

    assert "We don&#x27;t sell this any more" in page


def test_given_a_full_cart_then_one_more_product_is_refused(client: Client) -> None:
    product("MUG-1")
    session = client.session
    session[SESSION_KEY] = {f"P-{number}": 1 for number in range(MAX_LINES)}
    session.save()

    answer = client.post("/products/MUG-1/", {"quantity": "1"})

    assert answer.status_code == 400
    assert b"the most for one order" in answer.content


@pytest.mark.parametrize("path", ["/products/MUG-1/", "/cart/MUG-1/", "/cart/MUG-1/remove/"])
def test_given_a_post_from_another_site_then_it_is_refused(path: str) -> None:
    product("MUG-1")
    stranger = Client(enforce_csrf_checks=True)

    answer = stranger.post(path, {"quantity": "1"})

    assert answer.status_code == 403
    assert b"nothing was changed" in answer.content


@pytest.mark.parametrize("path", ["/cart/MUG-1/", "/cart/MUG-1/remove/", "/accounts/logout/"])
def test_given_a_get_then_nothing_changes(client: Client, path: str) -> None:
    assert client.get(path).status_code == 405


def test_given_a_visitor_who_only_looks_then_no_session_is_stored(client: Client) -> None:
    product("MUG-1")

    client.get("/")
    client.get("/products/MUG-1/")
    client.get("/cart/")

    assert "sessionid" not in client.cookies


def test_given_what_was_changed_then_the_cart_says_so_once(client: Client) -> None:
    product("MUG-1")
    client.post("/products/MUG-1/", {"quantity": "1"}, follow=True)

    changed = client.post("/cart/MUG-1/", {"quantity": "7"}, follow=True).content.decode()
    removed = client.post("/cart/MUG-1/remove/", follow=True).content.decode()

    assert "Blue mug: 7 in your cart." in changed and "£31.50" in changed
    assert "Blue mug is not in your cart any more." in removed
    assert "any more" not in client.get("/cart/").content.decode()


def test_given_few_left_then_the_line_and_its_field_say_how_many(client: Client) -> None:
    product("MUG-1", units=3)
    client.post("/products/MUG-1/", {"quantity": "1"})

    page = client.get("/cart/").content.decode()

    assert "£4.50 each, 3 left" in page
    assert 'max="3"' in page
    assert "up to 100 different products and 10,000 of each" in page


def test_given_a_line_that_can_not_be_ordered_then_there_is_no_way_to_the_checkout(
    client: Client,
) -> None:
    mug = product("MUG-1")
    client.post("/products/MUG-1/", {"quantity": "1"})
    assert 'href="/checkout/"' in client.get("/cart/").content.decode()

    mug.is_active = False
    mug.save()
    forget_everything()
    page = client.get("/cart/").content.decode()

    assert "Please look at the marked line" in page
    assert 'href="/checkout/"' not in page


@pytest.mark.parametrize("lines", [1, 40])
def test_given_many_lines_then_the_database_is_not_asked_for_each(
    client: Client, lines: int
) -> None:
    skus = [product(f"P-{number}").sku for number in range(lines)]
    session = client.session
    session[SESSION_KEY] = dict.fromkeys(skus, 1)
    session.save()
    forget_everything()

    with CaptureQueriesContext(connection) as queries:
        client.get("/cart/")

    assert len(queries) == 3  # session, products, availability

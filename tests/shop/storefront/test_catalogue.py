from __future__ import annotations

import pytest
from django.test import Client

from inventory.models import Product
from tests.shop.goods import product

pytestmark = pytest.mark.django_db


def test_given_products_then_each_shows_name_price_and_availability(client: Client) -> None:
    product("MUG-1", name="Blue mug", price_minor=123456)
    product("MUG-2", name="Red mug", units=3)
    product("MUG-3", name="Green mug", units=0)

    page = client.get("/").content.decode()

    assert "Blue mug" in page and "£1,234.56" in page and "In stock" in page
    assert "Only 3 left" in page
    assert "Sold out" in page


def test_given_an_inactive_product_then_it_is_nowhere(client: Client) -> None:
    product("OLD-1", name="Old mug", is_active=False)

    assert "Old mug" not in client.get("/").content.decode()
    assert client.get("/products/OLD-1/").status_code == 404
    assert client.post("/products/OLD-1/", {"quantity": "1"}).status_code == 404


def test_given_more_than_a_page_then_the_pages_part_the_catalogue(client: Client) -> None:
    Product.objects.bulk_create(
        Product(sku=f"P-{number:03d}", name=f"Thing {number:03d}", price_minor=100)
        for number in range(30)
    )

    first, second = (client.get("/", {"page": page}).content.decode() for page in (1, 2))

    assert "Thing 000" in first and "Thing 029" not in first
    assert "Thing 029" in second and "Thing 000" not in second
    assert "Page 2 of 2" in second


@pytest.mark.parametrize("page", ["0", "-1", "NaN", "1.5", "99999999999999999999", "²", "", "\0"])
def test_given_a_page_that_is_none_then_some_page_is_shown(client: Client, page: str) -> None:
    product()

    assert client.get("/", {"page": page}).status_code == 200


def test_given_a_search_then_only_what_matches_is_shown(client: Client) -> None:
    product("MUG-1", name="Blue mug")
    product("LAMP-1", name="Night lamp")

    page = client.get("/", {"q": "lamp"}).content.decode()

    assert "Night lamp" in page
    assert "Blue mug" not in page


@pytest.mark.parametrize("words", ["100%", "a_b", "'; DROP TABLE", "<script>alert(1)</script>"])
def test_given_odd_words_then_nothing_is_found_and_nothing_breaks(
    client: Client, words: str
) -> None:
    product()

    answer = client.get("/", {"q": words})

    assert answer.status_code == 200
    assert b"We found nothing" in answer.content
    assert b"<script>alert" not in answer.content


@pytest.mark.parametrize("words", ["\0", "x" * 101])
def test_given_words_that_cannot_be_searched_then_the_page_says_so(
    client: Client, words: str
) -> None:
    answer = client.get("/", {"q": words})

    assert answer.status_code == 400
    assert "We can't search for that" in answer.content.decode().replace("&#x27;", "'")


@pytest.mark.parametrize("path", ["/products/NOPE/", "/products/a%00b/", "/products/%ff/"])
def test_given_an_unknown_sku_then_the_page_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_given_a_sku_with_odd_characters_then_its_page_is_linked_and_found(client: Client) -> None:
    product("A/B 1?#%", name="Odd mug")

    assert "/products/A/B%201%3F%23%25/" in client.get("/").content.decode()
    assert client.get("/products/A/B%201%3F%23%25/").status_code == 200

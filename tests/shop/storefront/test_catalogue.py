from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from inventory.models import Category, Product
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


@pytest.fixture
def mugs() -> Category:
    """A category with 30 mugs, beside a lamp without one."""
    mugs = Category.objects.create(slug="mugs", name="Mugs & cups")
    Product.objects.bulk_create(
        Product(sku=f"MUG-{number:02d}", name=f"Mug {number:02d}", price_minor=100, category=mugs)
        for number in range(30)
    )
    product("LAMP-1", name="Night lamp")
    return mugs


def test_given_a_category_then_only_its_products_are_shown_on_all_its_pages(
    client: Client, mugs: Category
) -> None:
    page = client.get("/", {"category": "mugs", "page": "2"}).content.decode()

    assert "<h1>Mugs &amp; cups</h1>" in page
    assert "Mug 29" in page and "Night lamp" not in page
    assert 'href="?category=mugs&amp;page=1"' in page
    assert 'href="/?category=mugs" aria-current="true"' in page


def test_given_a_search_then_a_category_narrows_it_and_is_kept_between_pages(
    client: Client, mugs: Category
) -> None:
    everywhere = client.get("/", {"q": "night mug"}).content.decode()
    page = client.get("/", {"q": "mug", "category": "mugs"}).content.decode()

    assert "/?category=mugs&amp;q=night%20mug" in everywhere
    assert "30 products" in page
    assert 'href="?category=mugs&amp;q=mug&amp;page=2"' in page


def test_given_a_category_that_is_none_then_it_is_not_found(client: Client, mugs: Category) -> None:
    assert client.get("/", {"category": "cars"}).status_code == 404
    assert client.get("/", {"category": "<b>"}).status_code == 400
    assert client.get("/", {"category": "\0"}).status_code == 400


def test_given_a_slip_of_the_pen_then_what_looks_like_it_is_offered_and_called_so(
    client: Client,
) -> None:
    product("POT-1", name="Regency teapot")

    page = client.get("/", {"q": "teapto"}).content.decode()

    assert "Nothing is called that. This looks like it:" in page
    assert "Regency teapot" in page


@pytest.mark.parametrize("address", ["/", "/?category=mugs", "/?q=mug"])
def test_given_a_page_full_of_products_then_the_database_is_not_asked_for_each(
    client: Client, mugs: Category, address: str
) -> None:
    with CaptureQueriesContext(connection) as first:
        client.get(address)
    with CaptureQueriesContext(connection) as second:
        client.get(address)

    assert len(first) == 4  # categories, count, products, availability
    assert len(second) == (2 if "q=" in address else 0)  # searches are not cached

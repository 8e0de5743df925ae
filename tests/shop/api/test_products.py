"""What anybody may see of the catalogue."""

from __future__ import annotations

import pytest
from django.test import Client

from inventory.models import Category, Product
from tests.shop.goods import product

pytestmark = pytest.mark.django_db


def test_given_products_then_they_are_listed_a_page_at_a_time(client: Client) -> None:
    for number in range(5):
        product(f"MUG-{number}", units=number)
    product("GONE", is_active=False)

    page = client.get("/api/products", {"page": 2, "page_size": 2}).json()
    assert [item["sku"] for item in page["items"]] == ["MUG-2", "MUG-3"]
    assert (page["page"], page["pages"], page["total"]) == (2, 3, 5)
    assert page["items"][1]["available"] == 3


def test_given_words_then_products_with_all_of_them_are_found(client: Client) -> None:
    product("MUG-1", name="Blue mug")
    product("CUP-1", name="Blue cup")

    found = client.get("/api/products", {"q": "blue cup"}).json()
    assert [item["name"] for item in found["items"]] == ["Blue cup"]
    assert found["is_guess"] is False


def test_given_categories_then_they_are_listed_and_narrow_the_products(client: Client) -> None:
    for_tea = Category.objects.create(slug="tea", name="For tea")
    Product.objects.filter(pk=product("MUG-1").pk).update(category=for_tea)
    product("VASE-1")

    assert client.get("/api/categories").json() == [{"slug": "tea", "name": "For tea", "total": 1}]
    found = client.get("/api/products", {"category": "tea"}).json()
    assert [(item["sku"], item["category"]) for item in found["items"]] == [("MUG-1", "tea")]
    assert client.get("/api/products", {"category": "none"}).json()["total"] == 0


def test_given_a_sku_with_a_slash_then_it_is_found(client: Client) -> None:
    product("SET/2 é")

    for path in ("/api/products/SET/2 é", "/api/products/SET%2F2%20%C3%A9"):
        assert client.get(path).json()["sku"] == "SET/2 é"


def test_given_a_product_that_is_not_sold_then_it_is_a_problem(client: Client) -> None:
    product("GONE", is_active=False)

    answer = client.get("/api/products/GONE")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_given_skus_then_their_availability_is_told_in_their_order(client: Client) -> None:
    product("MUG-1", units=3)
    product("MUG-2", units=0)

    told = client.get("/api/availability", {"sku": ["MUG-2", "NOPE", "MUG-1", "MUG-1"]}).json()
    assert told == [
        {"sku": "MUG-2", "available": 0},
        {"sku": "NOPE", "available": 0},
        {"sku": "MUG-1", "available": 3},
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"page": 0},
        {"page": "x"},
        {"page_size": 101},
        {"q": "a" * 101},
        {"q": "\0"},
        {"category": "a b"},
    ],
)
def test_given_a_query_that_makes_no_sense_then_it_says_so(
    client: Client, query: dict[str, str]
) -> None:
    answer = client.get("/api/products", query)

    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["errors"][0]["where"].startswith("query.")

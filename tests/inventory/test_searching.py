"""What visitors' words find, through the catalogue that they are typed into."""

from __future__ import annotations

import pytest
from django.db import connection

from inventory import searching
from inventory.catalogue import list_products
from inventory.models import Product

pytestmark = pytest.mark.django_db

GOODS = {
    "GIFT-001": ("White hanging T-light holder", "Cut metal, for one candle."),
    "GIFT-002": ("Candle, vanilla", "Burns for forty hours."),
    "GIFT-003": ("Regency teapot, roses", "Porcelain, holds four cups."),
    "GIFT-004": ("Knitted hot-water bottle", "A litre of warmth."),
    "LAMP-9": ("Rabbit night light", "Changes colour at a tap."),
}


@pytest.fixture(autouse=True)
def goods() -> None:
    Product.objects.bulk_create(
        Product(sku=sku, name=name, description=description, price_minor=100)
        for sku, (name, description) in GOODS.items()
    )


def found(query: str) -> tuple[list[str], bool]:
    page = list_products(query=query)
    return [product.sku for product in page.products], page.is_guess


@pytest.mark.parametrize(
    ("query", "skus"),
    [
        ("candles", ["GIFT-002", "GIFT-001"]),  # another form; names before descriptions
        ("porcel", ["GIFT-003"]),  # a beginning, of a description's word
        ("teapot for roses", ["GIFT-003"]),  # "for" says nothing
        ("water-bottle KNITTED", ["GIFT-004"]),
        ("eapo", ["GIFT-003"]),  # the middle of a word
        ("amp-9", ["LAMP-9"]),  # a part of a SKU
        ("gift-003", ["GIFT-003"]),
        ("light", ["GIFT-001", "LAMP-9"]),
        ("light candle", ["GIFT-001"]),  # one in the name, one in the description
    ],
)
def test_given_words_when_searched_then_what_they_mean_is_found(
    query: str, skus: list[str]
) -> None:
    assert found(query) == (skus, False)


@pytest.mark.parametrize(
    ("query", "sku"),
    [("teapto", "GIFT-003"), ("regancy", "GIFT-003"), ("knited botle", "GIFT-004")],
)
def test_given_a_slip_of_the_pen_when_searched_then_what_looks_like_it_is_offered(
    query: str, sku: str
) -> None:
    assert found(query) == ([sku], True)


@pytest.mark.parametrize(
    "query",
    [
        "dishwasher",
        "teapot dishwasher",
        "%",
        "_",
        "\\",
        "'",
        "&",
        "!",
        "x' | 'q",
        "(:*)",
        "²",
        "the",
    ],
)
def test_given_what_is_nowhere_when_searched_then_nothing_is_found(query: str) -> None:
    assert found(query) == ([], False)


def test_given_more_words_than_count_when_searched_then_the_first_ones_do() -> None:
    assert found("regency " * searching.MAX_WORDS + "dishwasher")[0] == ["GIFT-003"]


def test_given_many_products_when_searched_then_indexes_answer() -> None:
    Product.objects.bulk_create(
        Product(sku=f"P-{number:04d}", name=f"Thing {number}", price_minor=100)
        for number in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE inventory_product")

    plan = searching.matching(Product.objects.all(), ["teapot"]).explain()

    for index in ("products_by_words", "products_by_name_parts", "products_by_sku_parts"):
        assert index in plan

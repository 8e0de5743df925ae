from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from inventory import catalogue, generations, reservations, shelves, stock
from inventory.catalogue import availability, get_product, get_products, list_products
from inventory.models import Product, Stock
from tests.inventory import makers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh_catalogue() -> None:
    """Tables were emptied behind the cache's back."""
    generations.renew([generations.CATALOGUE])


@pytest.fixture
def no_cache(settings: Settings) -> None:
    """Redis is down: nobody listens on port 1."""
    default = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "default": default}


def queries_of_another_look(sku: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        get_product(sku)
    return len(queries)


def test_given_a_product_when_looked_at_twice_then_the_database_is_asked_once() -> None:
    mug = makers.product(on_hand=3, name="Mug")
    seen = get_product(mug.sku)
    assert seen and (seen.id, seen.name, seen.available) == (mug.pk, "Mug", 3)
    assert queries_of_another_look(mug.sku) == 0


def test_given_a_cached_product_when_it_is_saved_then_visitors_see_it() -> None:
    mug = makers.product(name="Mug")
    get_product(mug.sku)
    list_products()
    mug.name = "Large mug"
    mug.save()
    seen = get_product(mug.sku)
    assert seen and seen.name == "Large mug"
    assert [each.name for each in list_products().products] == ["Large mug"]


def test_given_a_cached_product_when_it_is_switched_off_or_deleted_then_it_is_gone() -> None:
    mug, plate = makers.product(), makers.product(on_hand=0)
    get_products([mug.sku, plate.sku])
    mug.is_active = False
    mug.save()
    plate.delete()
    assert get_products([mug.sku, plate.sku]) == {}
    assert list_products().total == 0


def test_given_a_save_that_rolls_back_when_looked_at_then_nothing_was_forgotten() -> None:
    mug = makers.product(name="Mug")
    get_product(mug.sku)
    with transaction.atomic():
        mug.name = "Large mug"
        mug.save()
        transaction.set_rollback(True)
    assert queries_of_another_look(mug.sku) == 0


def test_given_cached_availability_when_stock_changes_then_visitors_see_it() -> None:
    mug = makers.product(on_hand=10)
    changes: list[tuple[Callable[[], object], int]] = [
        (lambda: makers.reserve("order:1", mug), 8),
        (lambda: reservations.commit(reference="order:1"), 8),
        (lambda: reservations.return_goods(reference="order:1"), 10),
        (lambda: makers.reserve("order:2", mug, quantity=3), 7),
        (lambda: reservations.release(reference="order:2"), 10),
        (lambda: stock.receive(product_id=mug.pk, quantity=1, reference="delivery:2"), 11),
        (lambda: stock.adjust(product_id=mug.pk, quantity=-5, reference="c:1", actor="ann"), 6),
    ]
    for change, expected in changes:
        availability([mug.pk])
        change()
        assert availability([mug.pk]) == {mug.pk: expected}


def test_given_an_expired_reservation_when_counted_then_its_units_can_be_had() -> None:
    mug = makers.product(on_hand=10)
    makers.reserve("order:1", mug)
    makers.expire("order:1")
    makers.forget_availability([mug])
    assert availability([mug.pk]) == {mug.pk: 10}


def test_given_products_without_stock_when_counted_then_there_is_none_of_them() -> None:
    mug = makers.product(on_hand=0)
    assert availability([mug.pk, 404]) == {mug.pk: 0, 404: 0}
    assert availability([]) == {}


def test_given_a_reader_that_read_before_a_sale_when_it_caches_after_it_then_nobody_sees_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mug = makers.product(on_hand=10)
    makers.forget_availability([mug])
    read = shelves.available

    def read_slowly(product_ids: list[int]) -> dict[int, int]:
        found = read(product_ids)
        monkeypatch.undo()
        makers.reserve("order:1", mug)  # between the look and the cache
        return found

    monkeypatch.setattr(catalogue, "available", read_slowly)
    assert availability([mug.pk]) == {mug.pk: 10}
    assert availability([mug.pk]) == {mug.pk: 8}


def test_given_a_generation_that_redis_forgot_when_looked_at_then_old_entries_stay_away() -> None:
    mug = makers.product(on_hand=10)
    availability([mug.pk])
    before = generations.current([mug.pk])
    cache.delete(f"inventory:generation:{mug.pk}")
    assert generations.current([mug.pk]) != before
    assert availability([mug.pk]) == {mug.pk: 10}


@pytest.mark.usefixtures("no_cache")
def test_given_redis_is_down_when_looked_at_then_the_database_answers_and_is_right() -> None:
    mug = Product.objects.create(sku="MUG", name="Mug", price_minor=250)
    row = Stock.objects.create(product=mug)
    for units in (3, 4):
        Stock.objects.filter(pk=row.pk).update(on_hand=units)
        seen = get_product("MUG")
        assert seen and seen.available == units
        assert list_products().products == (seen,)
    mug.name = "Large mug"
    mug.save()
    seen = get_product("MUG")
    assert seen and seen.name == "Large mug"


def test_given_pages_when_listed_then_numbers_beyond_the_ends_are_the_ends() -> None:
    for number in range(5):
        makers.product(on_hand=0, sku=f"P-{number}")
    pages = {
        number: [each.sku for each in list_products(page=number, page_size=2).products]
        for number in (0, 1, 3, 99)
    }
    assert pages[0] == pages[1] == ["P-0", "P-1"]
    assert pages[3] == pages[99] == ["P-4"]
    page = list_products(page=99, page_size=2)
    assert (page.number, page.pages, page.total) == (3, 3, 5)


def test_given_words_when_searched_then_all_must_occur_in_name_or_sku() -> None:
    makers.product(on_hand=0, sku="RED-1", name="Red mug")
    makers.product(on_hand=0, sku="BLUE-1", name="Blue mug")
    makers.product(on_hand=0, sku="OLD-1", name="Red mug, chipped", is_active=False)
    for query, expected in [("mug RED", ["RED-1"]), ("blue-1", ["BLUE-1"]), ("%", []), ("_", [])]:
        assert [each.sku for each in list_products(query=query).products] == expected
    empty = list_products(query="nothing like it")
    assert (empty.number, empty.pages, empty.total) == (1, 1, 0)


@pytest.mark.parametrize("sku", ["", "NOBODY", "a\0b", "x" * 500, "\N{SNOWMAN}\n"])
def test_given_no_such_sku_when_looked_at_then_there_is_none(sku: str) -> None:
    assert get_product(sku) is None

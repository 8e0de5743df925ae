from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F, Sum
from pytest_django import Settings

from inventory import stock
from inventory.models import Category, Product, Stock, StockMovement, Supplier
from shop.samples.seeding import read_samples

pytestmark = pytest.mark.django_db(transaction=True)


def seed() -> str:
    out = StringIO()
    call_command("seed_catalogue", stdout=out)
    return out.getvalue()


def test_given_an_empty_shop_when_seeded_twice_then_the_second_run_adds_nothing() -> None:
    samples = {sample.sku: sample for sample in read_samples()}

    first = seed()
    Product.objects.filter(sku="GIFT-001").update(price_minor=1)
    Stock.objects.filter(product__sku="GIFT-002").update(reserved=F("on_hand"))
    second = seed()

    stocked = [sample for sample in samples.values() if sample.stock]
    assert first == f"Products added: {len(samples)}. Deliveries received: {len(stocked)}.\n"
    assert second == "Products added: 0. Deliveries received: 0.\n"
    assert Product.objects.get(sku="GIFT-001").price_minor == 1  # the shop's own price stays
    for product in Product.objects.annotate(units=Sum("stocks__on_hand", default=0)):
        assert product.units == samples[product.sku].stock
    assert StockMovement.objects.count() == len(stocked)


def test_given_a_run_that_died_half_way_then_the_next_adds_the_rest() -> None:
    samples = list(read_samples())
    there = [Product.objects.create(sku=s.sku, name=s.name, price_minor=1) for s in samples[:2]]
    stock.receive(product_id=there[0].pk, quantity=5, reference=samples[0].reference)

    assert seed() == "Products added: 58. Deliveries received: 57.\n"
    assert Stock.objects.get(product=there[0]).on_hand == 5


def test_given_products_without_a_category_when_seeded_then_they_get_the_samples_only_then() -> (
    None
):
    seed()
    mine = Category.objects.create(slug="mine", name="Mine")
    Product.objects.filter(sku="GIFT-001").update(category=None)
    Product.objects.filter(sku="GIFT-002").update(category=mine)

    seed()

    categories = dict(Product.objects.values_list("sku", "category__name"))
    assert categories["GIFT-001"] == "Home & garden"
    assert categories["GIFT-002"] == "Mine"
    assert None not in categories.values()


def test_given_a_feed_address_then_the_sample_supplier_reads_it(settings: Settings) -> None:
    settings.SUPPLIER_FEED_URL = "http://127.0.0.1:8002/feed.json?x=1"
    seed()
    settings.SUPPLIER_FEED_URL = "http://127.0.0.1:8003/feed.csv"
    seed()

    supplier = Supplier.objects.get()
    assert supplier.feed_url == "http://127.0.0.1:8003/feed.csv"
    assert supplier.feed_format == Supplier.Format.CSV


def test_given_no_feed_address_then_there_is_no_supplier(settings: Settings) -> None:
    settings.SUPPLIER_FEED_URL = ""
    seed()

    assert not Supplier.objects.exists()

"""Puts the sample catalogue into the shop: products, their first delivery, one supplier.

Safe to run again and again. Products that exist keep what people made of them, and get a category
only when they have none; a product whose first delivery was received gets no second one, however
much was sold since.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.text import slugify

from inventory import stock
from inventory.models import Category, Product, StockMovement, Supplier

CATALOGUE = Path(__file__).with_name("catalogue.csv")
SUPPLIER = "sample"


@dataclass(frozen=True)
class SampleProduct:
    sku: str
    category: str
    name: str
    price_minor: int
    stock: int
    """Units of the first delivery; 0 for something that is sold out from the start."""
    description: str

    @property
    def reference(self) -> str:
        return f"seed:{self.sku}"


@dataclass(frozen=True)
class Seeded:
    """What this run added."""

    products: int
    deliveries: int


def seed() -> Seeded:
    samples = list(read_samples())
    return Seeded(products=_add_products(samples), deliveries=_receive_first_deliveries(samples))


def point_supplier_to(feed_url: str) -> Supplier:
    """The sample supplier, reading its feed from this address (JSON if it ends in .json)."""
    wants_json = feed_url.partition("?")[0].endswith(".json")
    supplier, _ = Supplier.objects.update_or_create(
        name=SUPPLIER,
        defaults={
            "feed_url": feed_url,
            "feed_format": Supplier.Format.JSON if wants_json else Supplier.Format.CSV,
        },
    )
    return supplier


def read_samples() -> Iterator[SampleProduct]:
    with CATALOGUE.open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            yield SampleProduct(
                sku=row["sku"],
                category=row["category"],
                name=row["name"],
                price_minor=int(row["price_minor"]),
                stock=int(row["stock"]),
                description=row["description"],
            )


def _add_products(samples: list[SampleProduct]) -> int:
    """One by one, so that each save tells the catalogue's cache."""
    categories = _categories(samples)
    return sum(_add_product(sample, categories[sample.category]) for sample in samples)


def _categories(samples: list[SampleProduct]) -> dict[str, Category]:
    return {
        name: Category.objects.get_or_create(slug=slugify(name), defaults={"name": name})[0]
        for name in {sample.category for sample in samples}
    }


def _add_product(sample: SampleProduct, category: Category) -> bool:
    product, is_new = Product.objects.get_or_create(
        sku=sample.sku,
        defaults={
            "name": sample.name,
            "category": category,
            "price_minor": sample.price_minor,
            "description": sample.description,
        },
    )
    if product.category_id is None:  # seeded before there were categories
        product.category = category
        product.save(update_fields=["category", "updated_at"])
    return is_new


def _receive_first_deliveries(samples: list[SampleProduct]) -> int:
    received = set(
        StockMovement.objects.filter(
            reference__in=[sample.reference for sample in samples]
        ).values_list("reference", flat=True)
    )
    products = dict(
        Product.objects.filter(sku__in=[sample.sku for sample in samples]).values_list("sku", "pk")
    )
    due = [sample for sample in samples if sample.stock and sample.reference not in received]
    for sample in due:
        stock.receive(
            product_id=products[sample.sku],
            quantity=sample.stock,
            reference=sample.reference,
            note="sample stock",
        )
    return len(due)

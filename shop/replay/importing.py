"""Puts the file's products into the shop and enough of each on the shelf, once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db.models import Q

from inventory import stock
from inventory.models import Product, StockMovement
from shop.progress import Reporter
from shop.replay.catalogue import CatalogueItem, opening_units
from shop.replay.plan import Plan


def needed(plan: Plan) -> list[CatalogueItem]:
    """The products that the plan's orders want; a limited plan needs few of the file's."""
    wanted = {sku for order in plan.orders for sku in order.quantities}
    return [item for item in plan.products if item.sku in wanted]


def import_products(items: Sequence[CatalogueItem]) -> int:
    """Add the products that the shop doesn't have; returns how many were new.

    Known ones keep the name, price and state that the shop gave them.
    """
    before = Product.objects.count()
    Product.objects.bulk_create(
        [Product(sku=item.sku, name=item.name, price_minor=item.price_minor) for item in items],
        batch_size=1000,  # keeps each INSERT's parameters far below PostgreSQL's 65,535
        ignore_conflicts=True,
    )
    return Product.objects.count() - before


def receive_opening_stock(
    items: Sequence[CatalogueItem], *, digest: str, scarce_percent: float, reporter: Reporter
) -> int:
    """Receive each product's opening stock unless this file's has been; returns the units.

    The movement's reference names the file, so a replay that goes on receives only the rest.
    """
    reference = f"replay:{digest}:opening"
    products = {
        product.sku: product.pk
        for product in Product.objects.filter(sku__in=[item.sku for item in items])
    }
    there = _stocked(reference, products.values())
    received = 0
    for done, item in enumerate(items, start=1):
        product_id = products[item.sku]
        if product_id not in there:
            units = opening_units(item, scarce_percent=scarce_percent)
            stock.receive(
                product_id=product_id,
                quantity=units,
                reference=reference,
                note="opening stock of a replay",
            )
            received += units
        reporter.update(done, note=f"{received:,} units")
    return received


def _stocked(reference: str, product_ids: Collection[int]) -> set[int]:
    return set(
        StockMovement.objects.filter(
            Q(stock__product_id__in=product_ids), reference=reference
        ).values_list("stock__product_id", flat=True)
    )

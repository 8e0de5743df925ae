"""The flash sale's product: many want it, few can have it."""

from __future__ import annotations

from django.db.models import F, Sum

from inventory import stock
from inventory.models import Product, Stock
from orders.models import Order
from shop.closing.checks import Check

SKU = "FLASH"
NAME = "Flash sale: the very last ones"
PRICE_MINOR = 999


def prepare(*, units: int, run: str) -> Product:
    """Make sure that exactly `units` of the product can be bought: no more, no less."""
    product, _ = Product.objects.get_or_create(
        sku=SKU, defaults={"name": NAME, "price_minor": PRICE_MINOR}
    )
    missing = units - available(product)
    reference = f"demo:{run}:flash"
    if missing > 0:
        stock.receive(product_id=product.pk, quantity=missing, reference=reference)
    elif missing < 0:
        stock.adjust(
            product_id=product.pk,
            quantity=missing,
            reference=reference,
            note="left over from an earlier flash sale",
            actor="demo",
        )
    return product


def available(product: Product) -> int:
    """Units that can still be promised."""
    left = Stock.objects.filter(product=product).aggregate(units=Sum(F("on_hand") - F("reserved")))
    return left["units"] or 0


def checks(*, product: Product, run: str, units: int, buyers: int) -> list[Check]:
    """Exactly as many sold as there were; everybody else was told."""
    orders = Order.objects.filter(source__startswith=f"demo:{run}:")
    sold = orders.filter(state=Order.State.CONFIRMED).count()
    told = orders.filter(state=Order.State.FAILED, failure__startswith="Sold out").count()
    should_sell = min(units, buyers)
    return [
        Check(
            name="units of the flash sale sold",
            found=sold,
            expected=should_sell,
            expected_name="that were there",
            lost=max(0, should_sell - sold),
            oversold=max(0, sold - should_sell),
        ),
        Check(
            name="customers told “sold out”",
            found=told,
            expected=buyers - should_sell,
            expected_name="who came too late",
        ),
        Check(
            name="units left",
            found=available(product),
            expected=units - should_sell,
            expected_name="expected",
        ),
    ]

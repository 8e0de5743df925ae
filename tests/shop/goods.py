"""Something to sell in tests."""

from __future__ import annotations

from inventory.models import Product, Stock, StockMovement


def product(
    sku: str = "MUG-1",
    *,
    name: str = "Blue mug",
    price_minor: int = 450,
    units: int = 20,
    is_active: bool = True,
) -> Product:
    """A product with stock that its movements explain."""
    made = Product.objects.create(
        sku=sku, name=name, price_minor=price_minor, is_active=is_active, description="For tea."
    )
    stock = Stock.objects.create(product=made, on_hand=units)
    if units:
        StockMovement.objects.create(
            stock=stock, kind=StockMovement.Kind.RECEIVED, quantity=units, reference="test"
        )
    return made

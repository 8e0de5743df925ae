"""The cart as it would be ordered now: names, prices and what stands in the way.

Availability is advice: it saves a customer from an order that can't succeed. What counts is the
reservation made by the checkout job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inventory import catalogue
from inventory.catalogue import CatalogueProduct
from orders.placing import MAX_QUANTITY
from shop.storefront.cart import Cart


@dataclass(frozen=True)
class Line:
    """One line of the cart; `product` is None when its SKU can't be bought (any more)."""

    sku: str
    quantity: int
    product: CatalogueProduct | None
    available: int = 0
    problem: str = ""

    @property
    def name(self) -> str:
        return self.product.name if self.product else f"Product {self.sku}"

    @property
    def total_minor(self) -> int:
        return self.product.price_minor * self.quantity if self.product else 0


@dataclass(frozen=True)
class PricedCart:
    lines: tuple[Line, ...]

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)

    @property
    def currency(self) -> str:
        return next((line.product.currency for line in self.lines if line.product), "GBP")

    @property
    def problems(self) -> list[str]:
        """One sentence for each line that can't be ordered as it is."""
        return [f"{line.name}: {line.problem}" for line in self.lines if line.problem]


def price(cart: Cart) -> PricedCart:
    quantities = cart.quantities
    products = {sku: catalogue.get_product(sku) for sku in quantities}
    available = catalogue.availability([product.id for product in products.values() if product])
    return PricedCart(
        tuple(
            _line(sku, quantity, products[sku], available) for sku, quantity in quantities.items()
        )
    )


def obstacle(*, wanted: int, available: int) -> str:
    """What to tell somebody who wants more than can be ordered, or an empty string."""
    if wanted > available:
        return f"Only {available:,} left." if available else "Sold out."
    if wanted > MAX_QUANTITY:
        return f"An order takes at most {MAX_QUANTITY:,}."
    return ""


def _line(
    sku: str, quantity: int, product: CatalogueProduct | None, available: Mapping[int, int]
) -> Line:
    if product is None:
        return Line(sku, quantity, None, problem="We don't sell this any more. Please remove it.")
    left = available.get(product.id, 0)
    return Line(sku, quantity, product, left, obstacle(wanted=quantity, available=left))

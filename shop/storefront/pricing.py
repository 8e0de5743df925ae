"""The cart as it would be ordered now: names, prices and what stands in the way.

Availability is advice: it saves a customer from an order that can't succeed. What counts is the
reservation made by the checkout job.
"""

from __future__ import annotations

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

    @property
    def most(self) -> int:
        """Units that one order can have of it."""
        return min(self.available, MAX_QUANTITY)


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
    def units(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def problems(self) -> list[str]:
        """One sentence for each line that can't be ordered as it is."""
        return [f"{line.name}: {line.problem}" for line in self.lines if line.problem]


def price(cart: Cart) -> PricedCart:
    quantities = cart.quantities
    products = catalogue.get_products(quantities)
    return PricedCart(
        tuple(_line(sku, quantity, products.get(sku)) for sku, quantity in quantities.items())
    )


def obstacle(*, wanted: int, available: int) -> str:
    """What to tell somebody who wants more than can be ordered, or an empty string."""
    if wanted > available:
        return f"Only {available:,} left." if available else "Sold out."
    if wanted > MAX_QUANTITY:
        return f"An order takes at most {MAX_QUANTITY:,}."
    return ""


def _line(sku: str, quantity: int, product: CatalogueProduct | None) -> Line:
    if product is None:
        return Line(sku, quantity, None, problem="We don't sell this any more. Please remove it.")
    left = product.available
    return Line(sku, quantity, product, left, obstacle(wanted=quantity, available=left))

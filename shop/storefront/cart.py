"""The cart: which SKUs a visitor wants and how many, kept in the session.

Nothing else is kept: names, prices and availability are looked up whenever the cart is shown, so
a cart can be old but never wrong. It reserves nothing; checkout does.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.sessions.backends.base import SessionBase

MAX_LINES = 100
"""Different products in one cart; keeps the session row small whatever a visitor does."""

SESSION_KEY = "cart"


class CartFull(Exception):
    """The cart holds `MAX_LINES` different products already. Tell the visitor."""


class Cart:
    """The visitor's cart. Quantities are 1 to `orders.placing.MAX_QUANTITY`; forms see to that."""

    def __init__(self, session: SessionBase) -> None:
        self._session = session

    @property
    def quantities(self) -> dict[str, int]:
        """Units by SKU, in the order of adding."""
        return dict(self._session.get(SESSION_KEY, {}))

    def __iter__(self) -> Iterator[str]:
        return iter(self.quantities)

    def __len__(self) -> int:
        return len(self.quantities)

    def quantity(self, sku: str) -> int:
        return self.quantities.get(sku, 0)

    def put(self, sku: str, quantity: int) -> None:
        """Have exactly this many units of a product. Raises `CartFull`."""
        quantities = self.quantities
        if sku not in quantities and len(quantities) >= MAX_LINES:
            raise CartFull(sku)
        self._session[SESSION_KEY] = {**quantities, sku: quantity}

    def remove(self, sku: str) -> None:
        kept = {other: quantity for other, quantity in self.quantities.items() if other != sku}
        self._session[SESSION_KEY] = kept

    def clear(self) -> None:
        self._session.pop(SESSION_KEY, None)

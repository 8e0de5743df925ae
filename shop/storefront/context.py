"""What every page's header shows."""

from __future__ import annotations

from django.http import HttpRequest

from shop.storefront.cart import Cart


def cart(request: HttpRequest) -> dict[str, int]:
    """Template variable `cart_units`: units in the visitor's cart."""
    session = getattr(request, "session", None)  # absent when an early middleware refused
    return {"cart_units": sum(Cart(session).quantities.values()) if session is not None else 0}

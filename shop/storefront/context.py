"""What the frame of every page shows."""

from __future__ import annotations

from django.http import HttpRequest

from shop.storefront.cart import Cart
from shop.storefront.payment_methods import is_sandbox


def frame(request: HttpRequest) -> dict[str, int | bool]:
    """Template variables `cart_units` (units in the visitor's cart) and `is_sandbox`."""
    session = getattr(request, "session", None)  # absent when an early middleware refused
    units = sum(Cart(session).quantities.values()) if session is not None else 0
    return {"cart_units": units, "is_sandbox": is_sandbox()}

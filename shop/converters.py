"""What may stand in an address: `<sku:…>` and `<code:…>`."""

from __future__ import annotations

from django.urls import register_converter


class SkuConverter:
    """Any SKU a product can have, slashes included; PostgreSQL's text knows no NUL."""

    regex = r"[^\x00]{1,40}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class OrderCodeConverter(SkuConverter):
    """What `orders.models.new_order_code` makes."""

    regex = r"[A-Za-z0-9_-]{1,32}"


def register() -> None:
    """Call it once, before the first path that uses them."""
    register_converter(SkuConverter, "sku")
    register_converter(OrderCodeConverter, "code")

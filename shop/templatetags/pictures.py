"""`{% picture sku name %}` in templates: the product's drawing, as inline SVG."""

from __future__ import annotations

from django import template

from shop.storefront.pictures import Picture, picture_of

register = template.Library()


@register.inclusion_tag("shop/picture.html")
def picture(sku: str, name: str, *, alone: bool = False) -> dict[str, Picture | str]:
    """`alone` says that no text beside it names the product, so the drawing has to."""
    return {"picture": picture_of(sku=sku, name=name), "name": name if alone else ""}

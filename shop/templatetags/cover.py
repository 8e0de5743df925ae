"""A product without a picture gets a coloured tile with its initial; the same one each time."""

from __future__ import annotations

from hashlib import blake2b

from django import template

register = template.Library()

TINTS = 6
"""As many as `style.css` has classes `tint-0` to `tint-5`."""


@register.filter
def tint(sku: str) -> str:
    return f"tint-{blake2b(sku.encode(), digest_size=1).digest()[0] % TINTS}"

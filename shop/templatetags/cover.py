"""A product without a picture gets a coloured tile with its initial; the same one each time."""

from __future__ import annotations

import zlib

from django import template

register = template.Library()

TINTS = 6
"""As many as `style.css` has classes `tint-0` to `tint-5`."""


@register.filter
def tint(sku: str) -> str:
    return f"tint-{zlib.crc32(sku.encode()) % TINTS}"

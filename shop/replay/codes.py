"""Which stock codes are goods. The file books postage, fees and discounts as if they were."""

from __future__ import annotations

import re

GOODS = re.compile(r"[0-9]{5}[A-Z]{0,3}|DCGS[0-9A-Z]{1,10}|PADS|SP[0-9]{1,10}")
"""Five digits and up to three letters for a colour or size; a few gift lines have names."""

NOT_GOODS = {
    "POST": "postage",
    "DOT": "postage",
    "C2": "carriage",
    "M": "a manual entry",
    "D": "a discount",
    "S": "samples",
    "B": "a bad-debt entry",
    "BANK CHARGES": "a bank charge",
    "AMAZONFEE": "a marketplace fee",
    "CRUK": "a charity commission",
}


def as_sku(code: str) -> str:
    """The SKU of a stock code. The file spells one product both `85123A` and `85123a`."""
    return " ".join(code.split()).upper()


def why_not_goods(sku: str) -> str | None:
    """Why the SKU can't be a product, or None when it can."""
    if not sku:
        return "no stock code"
    if sku in NOT_GOODS:
        return f"{sku} is {NOT_GOODS[sku]}, not goods"
    if sku.startswith("GIFT_"):
        return "a gift voucher, not goods"
    if not GOODS.fullmatch(sku):
        return "not a stock code of goods"
    return None

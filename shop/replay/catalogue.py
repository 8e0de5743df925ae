"""What the file says about the goods themselves: names, prices and how many were sold."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shop.replay.lines import GoodsLine

MAX_NAME = 200


@dataclass(frozen=True, kw_only=True)
class CatalogueItem:
    """One product of the file."""

    sku: str
    name: str
    price_minor: int
    """The price most lines were sold at, in pence; the cheapest of several such."""

    units_sold: int
    """Units on all invoices of the file, before anything was taken back."""


def catalogue(sold: Iterable[GoodsLine]) -> list[CatalogueItem]:
    """The products of the lines (which must be sales), ordered by SKU."""
    by_sku: dict[str, list[GoodsLine]] = {}
    for line in sold:
        by_sku.setdefault(line.sku, []).append(line)
    return [_item(sku, lines) for sku, lines in sorted(by_sku.items())]


def _item(sku: str, lines: Sequence[GoodsLine]) -> CatalogueItem:
    return CatalogueItem(
        sku=sku,
        name=_name(sku, lines),
        price_minor=_usual_price_minor(lines),
        units_sold=sum(line.quantity for line in lines),
    )


def _name(sku: str, lines: Sequence[GoodsLine]) -> str:
    """The most frequent description, not SHOUTED; "Item 12345" when no line has one."""
    names = Counter(line.description for line in lines if line.description)
    if not names:
        return f"Item {sku}"
    best = min(names, key=lambda name: (-names[name], name))
    return best.capitalize()[:MAX_NAME]


def _usual_price_minor(lines: Sequence[GoodsLine]) -> int:
    prices = Counter(line.price_minor for line in lines)
    return min(prices, key=lambda price: (-prices[price], price))


def opening_units(item: CatalogueItem, *, scarce_percent: float) -> int:
    """Units to have in stock before the first order (>= 1).

    As many as the file sells, so that every order can be fulfilled; half of that for the
    `scarce_percent` of products (chosen by a hash of the SKU, so always the same ones) whose
    last orders must be told "sold out".
    """
    if _is_scarce(item.sku, scarce_percent):
        return max(1, item.units_sold // 2)
    return item.units_sold


def _is_scarce(sku: str, percent: float) -> bool:
    return zlib.crc32(sku.encode()) % 10_000 < percent * 100

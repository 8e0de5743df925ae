"""What visitors see of products and how many can be had, kept in the cache for seconds.

Two kinds of entries: facts about products (one generation for all, since they change rarely) and
availability (a generation a product, since every order changes it). `inventory.generations` keeps
them right. Availability is advice; what counts is a reservation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Q, QuerySet

from inventory import generations
from inventory.generations import CATALOGUE, TTL_S
from inventory.models import Product
from inventory.shelves import available

FACTS = ("id", "sku", "name", "description", "price_minor", "currency")
MAX_SKU = Product._meta.get_field("sku").max_length or 0


@dataclass(frozen=True, kw_only=True)
class CatalogueProduct:
    """A product that can be bought, and how many units of it at this moment."""

    id: int
    sku: str
    name: str
    description: str
    price_minor: int
    currency: str
    available: int = 0


@dataclass(frozen=True, kw_only=True)
class CataloguePage:
    """One page of the catalogue; pages are numbered from 1."""

    products: tuple[CatalogueProduct, ...]
    number: int
    pages: int
    total: int


def list_products(*, query: str = "", page: int = 1, page_size: int = 24) -> CataloguePage:
    """The active products in whose name or SKU every word of `query` occurs, by SKU.

    A page beyond the end is the last one. Only the whole catalogue's pages are cached: searches
    differ too much to be worth it.
    """
    words = query.split()
    if words:
        found = _read_page(words, page, page_size)
    else:
        generation = generations.current([CATALOGUE])[CATALOGUE]
        key = f"inventory:page:{generation}:{page_size}:{page}"
        found = cache.get(key)
        if found is None:
            found = _read_page([], page, page_size)
            cache.set(key, found, TTL_S)
    return CataloguePage(
        products=_with_availability(found["products"]),
        number=found["number"],
        pages=found["pages"],
        total=found["total"],
    )


def get_product(sku: str) -> CatalogueProduct | None:
    """The active product with this SKU, if there is one."""
    return get_products([sku]).get(sku)


def get_products(skus: Collection[str]) -> dict[str, CatalogueProduct]:
    """The active products with these SKUs, by SKU, in two to four round trips for all of them."""
    wanted = {sku for sku in skus if 0 < len(sku) <= MAX_SKU and "\0" not in sku}
    if not wanted:
        return {}
    generation = generations.current([CATALOGUE])[CATALOGUE]
    keys = {sku: f"inventory:product:{generation}:{sku}" for sku in wanted}
    cached = cache.get_many(list(keys.values()))
    facts = {sku: cached[key] for sku, key in keys.items() if key in cached}
    if missing := wanted - facts.keys():
        read = {
            row["sku"]: row
            for row in _facts(Product.objects.filter(is_active=True, sku__in=missing))
        }
        if read:
            cache.set_many({keys[sku]: row for sku, row in read.items()}, TTL_S)
        facts |= read
    return {product.sku: product for product in _with_availability(list(facts.values()))}


def availability(product_ids: Collection[int]) -> dict[int, int]:
    """Units of each product that can be promised now (>= 0); 0 for a product without stock."""
    wanted = sorted(set(product_ids))
    if not wanted:
        return {}
    generation = generations.current(wanted)
    keys = {
        product_id: f"inventory:available:{product_id}:{generation[product_id]}"
        for product_id in wanted
    }
    cached = cache.get_many(list(keys.values()))
    missing = [product_id for product_id, key in keys.items() if key not in cached]
    read = available(missing) if missing else {}
    if read:
        cache.set_many({keys[product_id]: units for product_id, units in read.items()}, TTL_S)
    return {key: read[key] if key in read else int(cached[keys[key]]) for key in wanted}


def _read_page(words: Collection[str], page: int, page_size: int) -> dict[str, Any]:
    matching = Product.objects.filter(is_active=True).order_by("sku")
    for word in words:
        matching = matching.filter(Q(name__icontains=word) | Q(sku__icontains=word))
    total = matching.count()
    pages = max(1, -(-total // page_size))
    number = min(max(1, page), pages)
    first = (number - 1) * page_size
    facts = _facts(matching[first : first + page_size])
    return {"products": facts, "number": number, "pages": pages, "total": total}


def _facts(products: QuerySet[Product]) -> list[dict[str, Any]]:
    return [dict(row) for row in products.values(*FACTS)]


def _with_availability(facts: Collection[Mapping[str, Any]]) -> tuple[CatalogueProduct, ...]:
    units = availability([each["id"] for each in facts])
    return tuple(CatalogueProduct(**each, available=units[each["id"]]) for each in facts)

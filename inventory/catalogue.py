"""What visitors see of products and how many can be had, kept in the cache for seconds.

Two kinds of entries: facts about products and categories (one generation for all, since they
change rarely) and availability (a generation a product, since every order changes it).
`inventory.generations` keeps them right. Availability is advice; what counts is a reservation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from inventory import generations, searching
from inventory.generations import CATALOGUE, TTL_S
from inventory.models import Category, Product
from inventory.shelves import available

FACTS = ("id", "sku", "name", "description", "price_minor", "currency")
OF_CATEGORY = {
    "category_slug": Coalesce(F("category__slug"), Value("")),
    "category_name": Coalesce(F("category__name"), Value("")),
}
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
    category_slug: str = ""
    category_name: str = ""
    available: int = 0


@dataclass(frozen=True, kw_only=True)
class CatalogueCategory:
    """A category, and how many active products it has (at least one)."""

    slug: str
    name: str
    total: int


@dataclass(frozen=True, kw_only=True)
class CataloguePage:
    """One page of the catalogue; pages are numbered from 1."""

    products: tuple[CatalogueProduct, ...]
    number: int
    pages: int
    total: int
    is_guess: bool = False
    """Nothing has the words that were searched for; these products' names look like them."""


def list_categories() -> tuple[CatalogueCategory, ...]:
    """The categories that have something to sell, by name."""
    generation = generations.current([CATALOGUE])[CATALOGUE]
    key = f"inventory:categories:{generation}"
    rows = cache.get(key)
    if rows is None:
        rows = _read_categories()
        cache.set(key, rows, TTL_S)
    return tuple(CatalogueCategory(**row) for row in rows)


def list_products(
    *, query: str = "", category: str = "", page: int = 1, page_size: int = 24
) -> CataloguePage:
    """The active products: of a category (its slug), if one is named, and that `query` means.

    By SKU, or with a query best first (`inventory.searching`). A page beyond the end is the last
    one. Only pages without a query are cached: searches differ too much to be worth it.
    """
    words = query.split()
    if words:
        found = _search(words, category, page, page_size)
    else:
        found = _cached_page(category, page, page_size)
    return CataloguePage(**{**found, "products": _with_availability(found["products"])})


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


def _cached_page(category: str, page: int, page_size: int) -> dict[str, Any]:
    """A page of the whole catalogue or of one category, by SKU."""
    generation = generations.current([CATALOGUE])[CATALOGUE]
    key = f"inventory:page:{generation}:{category}:{page_size}:{page}"
    found: dict[str, Any] | None = cache.get(key)
    if found is None:
        found = _read_page(_on_sale(category).order_by("sku"), page, page_size)
        cache.set(key, found, TTL_S)
    return found


def _search(words: Sequence[str], category: str, page: int, page_size: int) -> dict[str, Any]:
    products = _on_sale(category)
    found = _read_page(searching.matching(products, words), page, page_size)
    if found["total"]:
        return found
    guesses = _read_page(searching.alike(products, words), page, page_size)
    return {**guesses, "is_guess": bool(guesses["total"])}


def _on_sale(category: str) -> QuerySet[Product]:
    products = Product.objects.filter(is_active=True)
    return products.filter(category__slug=category) if category else products


def _read_page(products: QuerySet[Product], page: int, page_size: int) -> dict[str, Any]:
    total = products.count()
    pages = max(1, -(-total // page_size))
    number = min(max(1, page), pages)
    first = (number - 1) * page_size
    facts = _facts(products[first : first + page_size]) if total else []
    return {"products": facts, "number": number, "pages": pages, "total": total}


def _read_categories() -> list[dict[str, Any]]:
    total = Count("products", filter=Q(products__is_active=True))
    rows = Category.objects.annotate(total=total).filter(total__gt=0).order_by("name")
    return list(rows.values("slug", "name", "total"))


def _facts(products: QuerySet[Product]) -> list[dict[str, Any]]:
    return [dict(row) for row in products.values(*FACTS, **OF_CATEGORY)]


def _with_availability(facts: Collection[Mapping[str, Any]]) -> tuple[CatalogueProduct, ...]:
    units = availability([each["id"] for each in facts])
    return tuple(CatalogueProduct(**each, available=units[each["id"]]) for each in facts)

"""What can be bought."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from inventory import catalogue
from shop.api.authentication import anyone
from shop.api.document import OPEN_TO_ALL, problems
from shop.api.limits import READING, Limit
from shop.api.problems import NotFound
from shop.api.schemas import TEXT, AvailabilityOut, CategoryOut, ProductOut, ProductPage, Sku

router = Router(tags=["products"], auth=anyone(), throttle=Limit(READING))

MOST_PER_PAGE = 100
LAST_PAGE = 999_999

Words = Annotated[str, Query(max_length=100, pattern=TEXT, description="Words to search for.")]
Slug = Annotated[
    str, Query(max_length=40, pattern="^[-a-zA-Z0-9_]*$", description="A category's slug.")
]
PageNumber = Annotated[int, Query(ge=1, le=LAST_PAGE)]
PageSize = Annotated[int, Query(ge=1, le=MOST_PER_PAGE)]
Skus = Annotated[list[Sku], Query(min_length=1, max_length=MOST_PER_PAGE)]
SkuInPath = Annotated[str, Field(min_length=1, max_length=catalogue.MAX_SKU)]


@router.get(
    "/products",
    operation_id="list_products",
    response={200: ProductPage, **problems()},
    openapi_extra=OPEN_TO_ALL,
)
def list_products(
    request: HttpRequest,
    q: Words = "",
    category: Slug = "",
    page: PageNumber = 1,
    page_size: PageSize = 20,
) -> ProductPage:
    """Products by SKU, of one category if it is named; with `q` those that it means, best first."""
    found = catalogue.list_products(query=q, category=category, page=page, page_size=page_size)
    return ProductPage(
        items=[ProductOut.of(product) for product in found.products],
        page=found.number,
        pages=found.pages,
        total=found.total,
        is_guess=found.is_guess,
    )


@router.get(
    "/categories",
    operation_id="list_categories",
    response={200: list[CategoryOut], **problems()},
    openapi_extra=OPEN_TO_ALL,
)
def list_categories(request: HttpRequest) -> list[CategoryOut]:
    """The categories that have something to sell, by name."""
    return [
        CategoryOut(slug=found.slug, name=found.name, total=found.total)
        for found in catalogue.list_categories()
    ]


@router.get(
    "/products/{sku:sku}",
    operation_id="get_product",
    response={200: ProductOut, **problems()},
    openapi_extra=OPEN_TO_ALL,
)
def get_product(request: HttpRequest, sku: SkuInPath) -> ProductOut:
    """One product. A slash in its SKU is sent as it is, or as %2F."""
    product = catalogue.get_product(sku)
    if product is None:
        raise NotFound("We don't sell this.")
    return ProductOut.of(product)


@router.get(
    "/availability",
    operation_id="get_availability",
    response={200: list[AvailabilityOut], **problems()},
    openapi_extra=OPEN_TO_ALL,
)
def get_availability(request: HttpRequest, sku: Skus) -> list[AvailabilityOut]:
    """How many units of each can be promised now; 0 of what we don't sell.

    Only advice: what counts is whether an order gets its goods.
    """
    products = catalogue.get_products(sku)
    return [
        AvailabilityOut(sku=each, available=products[each].available if each in products else 0)
        for each in dict.fromkeys(sku)
    ]

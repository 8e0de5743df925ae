"""What the API takes and gives, as JSON. Amounts are minor units (pence), times ISO 8601 in UTC.

What comes in is understood completely or refused: no unknown members, no numbers as text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field

from inventory.catalogue import MAX_SKU, CatalogueProduct
from orders.models import Order
from orders.placing import MAX_EMAIL_CHARS, MAX_LINES, MAX_QUANTITY, PAYMENT_METHOD
from orders.states import UNPAID

# No NUL: PostgreSQL's text has none.
TEXT = r"^[^\x00]*$"
BIGGEST_ID = 2**63 - 1

Sku = Annotated[str, Field(min_length=1, max_length=MAX_SKU, pattern=TEXT)]
OrderState = Literal["placed", "reserved", "confirmed", "failed", "cancelled", "refunded"]


class FlawOut(Schema):
    where: str = Field(description="Which part of the request, such as body.lines.0.quantity.")
    message: str = Field(description="What is wrong with it, for people.")


class ProblemOut(Schema):
    """An RFC 9457 problem."""

    type: str = Field(description="about:blank, or a name for programs: urn:shop:problem:…")
    title: str
    status: int
    detail: str = Field(description="What happened, for people.")
    errors: list[FlawOut] = Field(default=[], description="Which parts of the request are wrong.")


class ProductOut(Schema):
    sku: str
    name: str
    description: str
    category: str = Field(description="The slug of its category, or empty.")
    price_minor: int = Field(ge=0)
    currency: str = Field(min_length=3, max_length=3)
    available: int = Field(ge=0, description="Units that can be promised now. Only advice.")

    @classmethod
    def of(cls, product: CatalogueProduct) -> ProductOut:
        return cls(
            sku=product.sku,
            name=product.name,
            description=product.description,
            category=product.category_slug,
            price_minor=product.price_minor,
            currency=product.currency,
            available=product.available,
        )


class ProductPage(Schema):
    items: list[ProductOut]
    page: int = Field(ge=1, description="The page that this is: the last one, if asked for more.")
    pages: int = Field(ge=1)
    total: int = Field(ge=0, description="Products on all pages.")
    is_guess: bool = Field(description="Nothing has these words; names that look like them do.")


class CategoryOut(Schema):
    slug: str
    name: str
    total: int = Field(ge=1, description="Products in it that can be bought.")


class AvailabilityOut(Schema):
    sku: str
    available: int = Field(ge=0)


def _whole(value: object) -> object:
    """To JSON Schema 2.0 is an integer like 2, and to us too; "2" and true are none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY), BeforeValidator(_whole)]


class LineIn(Schema):
    model_config = ConfigDict(extra="forbid", strict=True)

    sku: Sku
    quantity: Quantity


class CheckoutIn(Schema):
    """What to order. Names, prices and totals are the shop's, whatever the client believes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    email: str = Field(min_length=3, max_length=MAX_EMAIL_CHARS, pattern=TEXT)
    lines: list[LineIn] = Field(min_length=1, max_length=MAX_LINES)
    payment_method: str = Field(
        pattern=f"^{PAYMENT_METHOD.pattern}$", description="The provider's token for a card: pm_…"
    )


class LineOut(Schema):
    sku: str
    name: str
    quantity: int = Field(ge=1)
    unit_price_minor: int = Field(ge=0)


class OrderOut(Schema):
    """An order, without its customer."""

    code: str = Field(description="Unguessable: whoever has it can see the order.")
    number: int
    state: OrderState
    ended: bool = Field(description="Neither placed nor reserved any more.")
    failure: str = Field(description="Why it failed, for the customer; else empty.")
    total_minor: int = Field(ge=0)
    currency: str = Field(min_length=3, max_length=3)
    placed_at: datetime
    lines: list[LineOut]

    @classmethod
    def of(cls, order: Order) -> OrderOut:
        return cls(
            code=order.code,
            number=order.pk,
            state=order.state,  # type: ignore[arg-type]  # one of the model's choices
            ended=order.state not in UNPAID,
            failure=order.failure,
            total_minor=order.total_minor,
            currency=order.currency,
            placed_at=order.placed_at,
            lines=[
                LineOut(
                    sku=line.sku,
                    name=line.name,
                    quantity=line.quantity,
                    unit_price_minor=line.unit_price_minor,
                )
                for line in order.lines.all()
            ],
        )


class OrderPage(Schema):
    items: list[OrderOut] = Field(description="The newest first.")
    next_before: int | None = Field(description="`before` of the next page; null on the last one.")

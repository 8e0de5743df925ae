"""Placing an order: check the wish strictly, price it ourselves, write it all at once.

The client says what and how many. Prices, names and totals come from the database, whatever a form
sends. Order, lines, payment, first event and checkout job are one transaction: an order without
its job, or a job without its order, can't exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from inventory import reservations
from inventory.models import Product
from inventory.reservations import Wanted
from orders import jobs, timeline
from orders.errors import OrderRefused
from orders.models import Order, OrderLine, Payment
from orders.money import format_minor

MAX_QUANTITY = 10_000  # of one product; more is a typing error or a case for a phone call
MAX_LINES = 2_000  # real wholesale orders reach about 1,100 lines
MAX_TOTAL_MINOR = 99_999_999  # eight digits: the most Stripe charges at once
MAX_EMAIL_CHARS = 254

# What providers use for tokens of payment methods (pm_…, tok_…). Never a card number.
PAYMENT_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{0,79}", re.ASCII)
SOURCE = re.compile(r"[\x21-\x7e]{0,80}", re.ASCII)

BAD_QUANTITY = f"Order a whole number from 1 to {MAX_QUANTITY:,}."
UNKNOWN_SKU = "We don't sell this."
INACTIVE_SKU = "This can't be ordered at the moment."


@dataclass(frozen=True)
class LineRequest:
    """One wished-for line, not yet checked."""

    sku: str
    quantity: int


@dataclass(frozen=True)
class PricedLine:
    """A checked line with the price of now."""

    product: Product
    quantity: int

    @property
    def total_minor(self) -> int:
        return self.product.price_minor * self.quantity


def place_order(
    *,
    email: str,
    lines: Sequence[LineRequest],
    payment_method: str,
    user: AbstractBaseUser | None = None,
    source: str = "",
) -> Order:
    """Place an order and enqueue its checkout; both are in the caller's transaction, if any.

    `source` names the wish (a form's token, an imported invoice): placing the same wish twice, or
    at the same time, gives one order. Several lines of one SKU are added up. Raises `OrderRefused`
    with a message for each field, and when `source` was used for another wish.
    """
    quantities = _check(email, lines, payment_method, source)
    if placed := _placed_before(source, email, quantities):
        return placed
    priced = _price(quantities)
    try:
        with transaction.atomic():
            return _write(email, priced, payment_method, user, source)
    except IntegrityError:
        # The same wish was placed by somebody else between our look and our INSERT.
        if placed := _placed_before(source, email, quantities):
            return placed
        raise


def _check(
    email: str, lines: Sequence[LineRequest], payment_method: str, source: str
) -> dict[str, int]:
    """Quantities by SKU, of a wish that makes sense. Raises `OrderRefused`."""
    errors = _field_errors(email, payment_method, source)
    quantities: dict[str, int] = {}
    if not lines:
        errors["lines"] = "There is nothing in this order."
    elif len(lines) > MAX_LINES:
        errors["lines"] = f"An order has at most {MAX_LINES:,} lines."
    else:
        quantities = _add_up(lines, errors)
    if errors:
        raise OrderRefused(errors)
    return quantities


def _field_errors(email: str, payment_method: str, source: str) -> dict[str, str]:
    errors = {}
    try:
        validate_email(str(email))
    except ValidationError:
        errors["email"] = "Enter a valid e-mail address."
    else:
        if len(email) > MAX_EMAIL_CHARS:
            errors["email"] = f"Enter an address of at most {MAX_EMAIL_CHARS} characters."
    if not _matches(PAYMENT_METHOD, payment_method):
        errors["payment_method"] = "Choose how to pay."
    if not _matches(SOURCE, source):
        errors["source"] = "The form is broken. Load the page again."
    return errors


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _add_up(lines: Sequence[LineRequest], errors: dict[str, str]) -> dict[str, int]:
    """One quantity for each SKU; what is wrong goes into `errors`."""
    quantities: dict[str, int] = {}
    for line in lines:
        sku = str(line.sku)
        # Not `isinstance`: True is an int to Python, and not a quantity to anybody.
        if type(line.quantity) is not int or not 1 <= line.quantity <= MAX_QUANTITY:
            errors[sku] = BAD_QUANTITY
            continue
        quantities[sku] = quantities.get(sku, 0) + line.quantity
        if quantities[sku] > MAX_QUANTITY:
            errors[sku] = BAD_QUANTITY
    return quantities


def _price(quantities: Mapping[str, int]) -> list[PricedLine]:
    """The lines with today's prices. Raises `OrderRefused`."""
    # PostgreSQL's text has no NUL, so no SKU of ours has one either.
    asked = [sku for sku in quantities if "\0" not in sku]
    products = {product.sku: product for product in Product.objects.filter(sku__in=asked)}
    errors = {sku: UNKNOWN_SKU for sku in quantities if sku not in products}
    errors |= {sku: INACTIVE_SKU for sku, product in products.items() if not product.is_active}
    priced = [PricedLine(products[sku], quantities[sku]) for sku in quantities if sku in products]
    if not errors and (problem := _problem_of_the_whole(priced)):
        errors["lines"] = problem
    if errors:
        raise OrderRefused(errors)
    return priced


def _problem_of_the_whole(priced: Sequence[PricedLine]) -> str:
    """What is wrong with lines that are each right, or an empty string."""
    if len({line.product.currency for line in priced}) > 1:
        return "These products are sold in different currencies. Order them separately."
    total = sum(line.total_minor for line in priced)
    if total == 0:
        return "There is nothing to pay for in this order."
    if total > MAX_TOTAL_MINOR:
        largest = format_minor(MAX_TOTAL_MINOR, priced[0].product.currency)
        return f"An order may cost at most {largest}. Split it."
    return ""


def _placed_before(source: str, email: str, quantities: Mapping[str, int]) -> Order | None:
    """The order of this very wish, if it was placed before. Raises `OrderRefused` on a clash."""
    order = Order.objects.filter(source=source).first() if source else None
    if order is None:
        return None
    ordered = dict(order.lines.values_list("sku", "quantity"))
    if order.email != email or ordered != dict(quantities):
        raise OrderRefused({"source": "This form has placed another order. Load the page again."})
    return order


def _write(
    email: str,
    priced: Sequence[PricedLine],
    payment_method: str,
    user: AbstractBaseUser | None,
    source: str,
) -> Order:
    """The whole order with its job. The caller opens the transaction."""
    currency = priced[0].product.currency
    order = Order.objects.create(
        email=email,
        user_id=user.pk if user is not None else None,
        currency=currency,
        total_minor=sum(line.total_minor for line in priced),
        payment_method=payment_method,
        source=source,
    )
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            product=line.product,
            sku=line.product.sku,
            name=line.product.name,
            unit_price_minor=line.product.price_minor,
            quantity=line.quantity,
        )
        for line in priced
    )
    Payment.objects.create(
        order=order,
        amount_minor=order.total_minor,
        currency=currency,
        provider=settings.PAYMENT_GATEWAY,
    )
    timeline.record(
        order_id=order.pk, kind="placed", message="The order was placed.", actor=timeline.CUSTOMER
    )
    reservations.ask(
        reference=order.reference,
        wanted=[Wanted(product_id=line.product.pk, quantity=line.quantity) for line in priced],
    )
    jobs.enqueue_checkout(order.pk)
    return order

"""What a feed's row says, or what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from inventory.models import Product

MAX_QUANTITY = 10**9  # units on hand of one product; more is a typing error
MAX_SKU = Product._meta.get_field("sku").max_length or 0
SHOWN = 40  # characters of a bad value in a message

# A supplier's clock may be a little ahead of ours. A snapshot from further ahead would switch off
# all that come until then.
MAX_SKEW = timedelta(minutes=5)

WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)


@dataclass(frozen=True)
class FeedRow:
    """`quantity` units of `sku` were on hand at `as_of`. `line` counts from 1 (JSON: items)."""

    line: int
    sku: str
    quantity: int
    as_of: datetime


@dataclass(frozen=True)
class BadRow:
    """A row that can't be used, and why. `sku` is there if it could be read."""

    line: int
    sku: str
    reason: str


class Unusable(Exception):
    """Raised inside this package for a value that makes no sense; becomes a `BadRow`."""


def read_row(
    line: int, fields: Mapping[str, Any], *, as_of: datetime, now: datetime
) -> FeedRow | BadRow:
    """One row from its fields. A row without a time of its own is as of the whole feed's."""
    sku = _text(fields.get("sku"))
    try:
        _check_sku(sku)
        own = fields.get("as_of")
        return FeedRow(
            line=line,
            sku=sku,
            quantity=_quantity(fields.get("quantity")),
            as_of=as_of if own in (None, "") else parse_time(own, now=now),
        )
    except Unusable as error:
        return BadRow(line, shown(sku), str(error))


def parse_time(value: Any, *, now: datetime) -> datetime:
    """An ISO 8601 time; without an offset it is UTC. Raises `Unusable`, also for the future."""
    try:
        moment = datetime.fromisoformat(_text(value))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unusable(f"as_of {shown(value)!r} is not a time like 2026-01-31T12:00:00Z") from None
    if moment > now + MAX_SKEW:
        raise Unusable(f"as_of {moment.isoformat()} lies in the future")
    return moment


def shown(value: Any) -> str:
    """A value as it may be shown and stored: short, without characters that PostgreSQL refuses."""
    text = _text(value).encode("utf-8", "replace").decode()
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:SHOWN]


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _check_sku(sku: str) -> None:
    if not sku:
        raise Unusable("no SKU")
    if len(sku) > MAX_SKU:
        raise Unusable(f"SKU has more than {MAX_SKU} characters")
    if "\0" in sku or not sku.isprintable():
        raise Unusable("SKU has characters that can't be read; is the feed UTF-8?")


def _quantity(value: Any) -> int:
    text = _text(value)
    if not text:
        raise Unusable("no quantity")
    if isinstance(value, bool | float) or not WHOLE.fullmatch(text):
        raise Unusable(f"quantity {shown(value)!r} is not a whole number")
    quantity = int(text)
    if quantity < 0:
        raise Unusable(f"quantity {quantity} is negative")
    if quantity > MAX_QUANTITY:
        raise Unusable(f"quantity {quantity} is more than {MAX_QUANTITY:,}")
    return quantity

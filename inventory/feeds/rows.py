"""What a feed's row says, or what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from inventory.models import Product, Supplier

MAX_QUANTITY = 10**9  # units on hand of one product; more is a typing error
MAX_SKU = Product._meta.get_field("sku").max_length or 0
SHOWN = 40  # characters of a bad value in a message

# A supplier's clock may be a little ahead of ours. A snapshot from further ahead would switch off
# all that come until then.
MAX_SKEW = timedelta(minutes=5)

WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)

OURS = ("sku", "quantity", "as_of")
DEFAULT_NAMES = {"sku": ("sku",), "quantity": ("quantity", "on_hand"), "as_of": ("as_of",)}


@dataclass(frozen=True)
class FeedRow:
    """`quantity` units of `sku` may be sold of what was on hand at `as_of`: the supplier's count
    less the safety buffer. `line` counts from 1 (JSON: items)."""

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


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a supplier's names and values are to be understood, at a moment."""

    names: dict[str, str]
    """Their column or member → ours."""
    buffer: int = 0
    """Units taken off each count; never below 0."""
    now: datetime

    @classmethod
    def of(cls, supplier: Supplier, *, now: datetime) -> Reading:
        names = {}
        for ours in OURS:
            chosen = getattr(supplier, f"{ours}_field")
            names.update(dict.fromkeys([chosen] if chosen else DEFAULT_NAMES[ours], ours))
        return cls(names=names, buffer=supplier.safety_buffer, now=now)

    def theirs(self, ours: str) -> str:
        """The supplier's name for what we call so."""
        return next(theirs for theirs, name in self.names.items() if name == ours)

    def row(
        self, line: int, sku_value: Any, quantity: Any, own_time: Any, *, as_of: datetime
    ) -> FeedRow | BadRow:
        """One row from its values. One without a time of its own is as of the whole feed's."""
        sku = _text(sku_value)
        try:
            _check_sku(sku)
            units = max(0, _quantity(quantity) - self.buffer)
            if own_time not in (None, ""):
                as_of = self.time(own_time)
            return FeedRow(line, sku, units, as_of)
        except Unusable as error:
            return BadRow(line, shown(sku), str(error))

    def time(self, value: Any) -> datetime:
        """An ISO 8601 time; without an offset it is UTC. Raises `Unusable`, also for the future."""
        try:
            moment = _moment(_text(value))
        except (ValueError, OverflowError):
            example = "2026-01-31T12:00:00Z"
            raise Unusable(f"as_of {shown(value)!r} is not a time like {example}") from None
        if moment > self.now + MAX_SKEW:
            raise Unusable(f"as_of {moment.isoformat()} lies in the future")
        return moment


@lru_cache(maxsize=1024)  # most feeds say the same time in every row
def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def shown(value: Any) -> str:
    """A value as it may be shown and stored: short, without characters that PostgreSQL refuses."""
    text = _text(value)[: 2 * SHOWN].encode("utf-8", "replace").decode()
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
    if isinstance(value, bool | float | Decimal) or not WHOLE.fullmatch(text):
        raise Unusable(f"quantity {shown(value)!r} is not a whole number")
    quantity = int(text)
    if quantity < 0:
        raise Unusable(f"quantity {quantity} is negative")
    if quantity > MAX_QUANTITY:
        raise Unusable(f"quantity {quantity} is more than {MAX_QUANTITY:,}")
    return quantity

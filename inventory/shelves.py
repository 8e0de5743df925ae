"""The stock rows that an operation works on, locked, and what is true of them now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from inventory.models import DEFAULT_LOCATION
from inventory.statements import SQL


@dataclass(frozen=True)
class Shelf:
    """One locked stock row as it is."""

    stock_id: int
    product_id: int
    on_hand: int
    reserved: int
    as_of: datetime | None

    @property
    def available(self) -> int:
        """Units that can be promised (>= 0)."""
        return self.on_hand - self.reserved


@dataclass(frozen=True)
class Freed:
    """What the expired reservations of one stock had held."""

    stock_id: int
    product_id: int
    units: int
    reservations: int


def open_shelves(product_ids: Collection[int]) -> None:
    """Make sure that each of these products that exists has a stock row. Call it under its lock."""
    SQL.fetch_all("open_shelves", _where(product_ids))


def lock_shelves(product_ids: Collection[int]) -> dict[int, Shelf]:
    """Lock the products' stock rows, in pk order, until the transaction ends; by product id.

    Expired reservations on them are let go first, so what comes back is free of them. A product
    without a stock row is missing.
    """
    rows = SQL.fetch_all_prepared("lock_shelves", _where(product_ids))
    shelves = [Shelf(*row) for *row, _ in rows]
    expired = [shelf.stock_id for shelf, row in zip(shelves, rows, strict=True) if row[-1]]
    freed = {each.stock_id: each.units for each in let_expired_go(expired)} if expired else {}
    return {
        shelf.product_id: replace(shelf, reserved=shelf.reserved - freed.get(shelf.stock_id, 0))
        for shelf in shelves
    }


def available(product_ids: Collection[int]) -> dict[int, int]:
    """Units of each product that can be promised now, without a lock: true when it was read."""
    rows = SQL.fetch_all("availability", _where(product_ids))
    return dict.fromkeys(product_ids, 0) | {key: int(units) for key, units in rows}


def let_expired_go(stock_ids: Collection[int]) -> list[Freed]:
    """Release the expired reservations of stock rows that this transaction has locked."""
    return [Freed(*row) for row in SQL.fetch_all("let_expired_go", {"stock_ids": list(stock_ids)})]


def _where(product_ids: Collection[int]) -> dict[str, object]:
    return {"product_ids": list(product_ids), "location": DEFAULT_LOCATION}

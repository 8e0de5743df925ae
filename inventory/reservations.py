"""Promising goods to a reference (an order), and what becomes of the promise.

    ask ─▶ asked ─┐
       reserve ───┴─▶ held ──commit──▶ committed ──return_goods──▶ committed, `returned` of it
            ▲          │
            │          └──release, or expired and somebody looked──┐
            └───────reserve again─────── released ◀────────────────┘◀── asked, but too few

`reserve` is all or nothing over all products, and only it decides whether there is enough. It
takes turns by locks, in a transaction of its own, and whoever has its turn decides for all that
wait (`inventory.serving`). `ask` only says what will be wanted, in the transaction that places an
order, so that it is decided in its turn even before the order's own job comes. The others settle
what was decided, may be part of the caller's transaction and never fail for want of units.
`inventory.guard` tells why that is safe.

A reservation that has expired stops counting at once: the next `reserve` of the same stock lets it
go before it decides, and `commit` refuses it. `release_expired` only tidies.

A reference always means the same goods. Repeating a call changes nothing, except that reserving
again what is held gives it the new time to live.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from inventory import generations
from inventory.deciding import Promise, Wish, clash, shortages
from inventory.errors import OutOfStock, ReferenceReused, TooManyReturned
from inventory.models import DEFAULT_LOCATION, Reservation
from inventory.movements import check_reference, current_job_id
from inventory.serving import serve
from inventory.shelves import available, let_expired_go
from inventory.statements import SQL

TTL_S = 900.0  # a quarter of an hour: longer than any payment that still ends well

State = Reservation.State


@dataclass(frozen=True)
class Wanted:
    """So many units of a product (>= 1)."""

    product_id: int
    quantity: int


def ask(*, reference: str, wanted: Sequence[Wanted]) -> None:
    """Say that `reference` will reserve this. Call it in the transaction that places an order.

    It promises nothing. Whoever decides next about these products decides this too, in the order of
    asking, and `reserve` finds the answer. A reference that is known already is left as it is.
    """
    check_reference(reference)
    quantities = _add_up(wanted)
    SQL.run(
        "ask",
        {
            "reference": reference,
            "product_ids": list(quantities),
            "quantities": list(quantities.values()),
            "location": DEFAULT_LOCATION,
        },
    )


def reserve(*, reference: str, wanted: Sequence[Wanted], ttl_s: float = TTL_S) -> None:
    """Promise all that is wanted to `reference` for `ttl_s` seconds, or nothing.

    Several entries of one product are added up. Goods that were committed to the reference before
    stay as they are. Must not be called in a transaction.

    Raises `OutOfStock`, `ReferenceReused`, and when nobody can say whether there is enough, so that
    the caller should come back: `LockTimeout`, `LockUnavailable`, `LockLost`, `StaleFence`.
    """
    check_reference(reference)
    quantities = _add_up(wanted)
    if not _decided(reference, quantities, ttl_s):
        serve(Wish(reference, quantities, ttl_s))


def commit(*, reference: str) -> bool:
    """Sell what the reference holds: the units leave the shelves, by `sold` movements.

    True: it did, or had done so before. False: the promise is gone, all of it or a part (expired,
    released, never made); nothing was changed. May be part of the caller's transaction.
    """
    with transaction.atomic():
        rows = _lock(reference)
        if any(row.state in (State.ASKED, State.RELEASED) or row.expired for row in rows):
            return False
        if any(row.state == State.HELD for row in rows):
            parameters = {"reference": reference, "job_id": current_job_id()}
            _renew_on_commit(SQL.fetch_all("sell", parameters))
        return bool(rows)


def release(*, reference: str) -> bool:
    """Let go of what the reference holds or asked for. May be part of the caller's transaction.

    True: it holds nothing (any more). False: the goods are sold; see `return_goods`.
    """
    with transaction.atomic():
        rows = _lock(reference)
        if any(row.state == State.COMMITTED for row in rows):
            return False
        if any(row.state in (State.ASKED, State.HELD) for row in rows):
            _renew_on_commit(SQL.fetch_all("let_go", {"reference": reference}))
        return True


def return_goods(*, reference: str, wanted: Sequence[Wanted] | None = None, actor: str = "") -> int:
    """Put sold goods back on the shelves, by `returned` movements; answers how many units.

    `wanted` says how many units of each product shall have come back in all, so repeating a call
    returns nothing more; without it, all that was sold. 0 too when the reference bought nothing.
    `actor` is the person who asked for it, if any. May be part of the caller's transaction.

    Raises `TooManyReturned`.
    """
    with transaction.atomic():
        sold = [row for row in _lock(reference) if row.state == State.COMMITTED]
        due = _due(sold, None if wanted is None else _add_up(wanted))
        if not due:
            return 0
        parameters = {
            "reference": reference,
            "stock_ids": list(due),
            "units": list(due.values()),
            "actor": actor,
            "job_id": current_job_id(),
        }
        returned = SQL.fetch_all("take_back", parameters)
        _renew_on_commit(returned)
        return sum(units for _, units in returned)


def release_expired(*, limit: int = 500) -> int:
    """Release expired reservations of up to `limit` stocks; answers how many there were.

    Stocks that somebody else is working on are left for the next time.
    """
    with transaction.atomic():
        stock_ids = [stock_id for (stock_id,) in SQL.fetch_all("expired_stocks", {"limit": limit})]
        freed = let_expired_go(stock_ids)
        generations.renew_on_commit([each.product_id for each in freed])
        return sum(each.reservations for each in freed)


# --- what needs no lock -------------------------------------------------------------------------


def _decided(reference: str, quantities: Mapping[int, int], ttl_s: float) -> bool:
    """Whether all of it is held or sold already; what is held gets the new time to live.

    A wish that was refused or let go before, and of which there still is too little now, needs no
    turn to be refused: the crowd behind a sold-out product doesn't stand in line for it. Raises
    `OutOfStock`, `ReferenceReused`.
    """
    rows = SQL.fetch_all_prepared("look", {"reference": reference, "ttl_s": ttl_s})
    mine = [Promise(*row) for row in rows]
    if other := clash(quantities, mine):
        raise ReferenceReused(f"{reference} stands for other goods: {other}.")
    states = {each.state for each in mine}
    if states == {State.RELEASED} and (short := shortages(quantities, available(quantities))):
        raise OutOfStock(short)
    return bool(states) and states <= {State.HELD, State.COMMITTED}


# --- what settling has in common ----------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """One reservation of a reference whose stock row is locked."""

    stock_id: int
    product_id: int
    quantity: int
    returned: int
    state: str
    expired: bool


def _lock(reference: str) -> list[_Row]:
    """Lock the stock rows of the reference, in pk order; then look at its reservations.

    A reservation made in between was made after us: it is left out.
    """
    stock_ids = [
        stock_id for (stock_id,) in SQL.fetch_all("lock_reference", {"reference": reference})
    ]
    has_expired = Q(state=State.HELD, expires_at__lte=Now())
    rows = (
        Reservation.objects.filter(reference=reference, stock_id__in=stock_ids)
        .annotate(expired=ExpressionWrapper(has_expired, output_field=BooleanField()))
        .values_list("stock_id", "stock__product_id", "quantity", "returned", "state", "expired")
    )
    return [_Row(*row) for row in rows] if stock_ids else []


def _due(sold: Collection[_Row], targets: Mapping[int, int] | None) -> dict[int, int]:
    """Units that are still to come back, by stock id. Raises `TooManyReturned`."""
    bought = {row.product_id: row.quantity for row in sold}
    if targets is None:
        targets = bought
    elif sold and (excess := {key for key in targets if targets[key] > bought.get(key, 0)}):
        raise TooManyReturned(f"More than was bought of the products {sorted(excess)}.")
    due = {row.stock_id: targets.get(row.product_id, 0) - row.returned for row in sold}
    return {stock_id: units for stock_id, units in due.items() if units > 0}


def _renew_on_commit(rows: Sequence[tuple[int, ...]]) -> None:
    """The first column has the products whose availability has changed."""
    generations.renew_on_commit([row[0] for row in rows])


def _add_up(wanted: Sequence[Wanted]) -> dict[int, int]:
    """Units by product. Raises ValueError for a wish that makes no sense."""
    quantities: dict[int, int] = {}
    for each in wanted:
        if type(each.quantity) is not int or each.quantity < 1:
            raise ValueError(f"A quantity is a whole number from 1, not {each.quantity!r}.")
        quantities[each.product_id] = quantities.get(each.product_id, 0) + each.quantity
    if not quantities:
        raise ValueError("Nothing is wanted.")
    return quantities

"""Who gets what of a few locked stocks: a pure function of the wishes, in their order.

Several wishes decided together end exactly as if each had been decided alone, one after the other:
what one gets is gone for those behind it, and a wish that is too large takes nothing from a
smaller one behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from inventory.models import Reservation
from inventory.shelves import Shelf

State = Reservation.State


@dataclass(frozen=True)
class Wish:
    """All the units of each product (by its id) that a reference wants, for `ttl_s` seconds."""

    reference: str
    quantities: Mapping[int, int]
    ttl_s: float


@dataclass(frozen=True)
class Promise:
    """What a reference was promised, or asked for, of one product before."""

    product_id: int
    quantity: int
    state: str


@dataclass(frozen=True)
class Decision:
    """What becomes of one wish. At most one of the three is not empty; none: it is sold already."""

    wish: Wish
    hold: Mapping[int, int] = field(default_factory=dict)
    """Units of each product to be held now; what the reference holds already is left out."""
    shortages: Mapping[int, int] = field(default_factory=dict)
    """Nothing is held: the units that can be had of each product that is short."""
    clash: str = ""
    """The reference stands for other goods: for which."""
    prolong: bool = False
    """Something of it was held before and gets the new time to live."""


def decide(
    wishes: Iterable[Wish],
    *,
    shelves: Mapping[int, Shelf],
    promises: Mapping[str, Iterable[Promise]],
) -> list[Decision]:
    """A decision for each wish. `shelves` by product id, locked; `promises` by reference."""
    left = {product_id: shelf.available for product_id, shelf in shelves.items()}
    known = {reference: list(rows) for reference, rows in promises.items()}
    decisions = []
    for wish in wishes:
        decision = _decide(wish, left, known.get(wish.reference, []))
        for product_id, quantity in decision.hold.items():
            left[product_id] -= quantity
        if decision.hold:
            known[wish.reference] = [
                Promise(product_id, quantity, State.HELD)
                for product_id, quantity in wish.quantities.items()
            ]
        decisions.append(decision)
    return decisions


def clash(quantities: Mapping[int, int], promises: Iterable[Promise]) -> str:
    """For which other goods the reference stands; empty when for these, or for none yet."""
    before = {each.product_id: each.quantity for each in promises}
    return f"{before}, not {dict(quantities)}" if before and before != dict(quantities) else ""


def shortages(quantities: Mapping[int, int], left: Mapping[int, int]) -> dict[int, int]:
    """The units that can be had of each product of which too few are left."""
    return {
        product_id: left.get(product_id, 0)
        for product_id, quantity in quantities.items()
        if quantity > left.get(product_id, 0)
    }


def _decide(wish: Wish, left: Mapping[int, int], mine: list[Promise]) -> Decision:
    if other := clash(wish.quantities, mine):
        return Decision(wish, clash=other)
    states = {each.product_id: each.state for each in mine}
    if State.COMMITTED in states.values():
        return Decision(wish)
    missing = {
        product_id: quantity
        for product_id, quantity in wish.quantities.items()
        if states.get(product_id) != State.HELD
    }
    if short := shortages(missing, left):
        return Decision(wish, shortages=short)
    return Decision(wish, hold=missing, prolong=len(missing) < len(wish.quantities))

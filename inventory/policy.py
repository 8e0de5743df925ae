"""Which sync may go ahead by itself, and which a person has to see first: a pure function.

A feed that is technically perfect may still be a catastrophe: half a warehouse missing from the
supplier's export empties half the shop. So a run is planned before anything of it is applied, and
one that would do what no ordinary day does is held.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run would do, in sums."""

    rows: int
    bad: int
    """Rows that can't be used."""
    skus: int
    """Rows that can be: as many products, each once."""
    changed: int
    outdated: int
    below: int
    """Rows that say less than is promised to customers; they are never merged."""
    zeroed: int
    """Products that had units and would have none."""
    units_before: int
    """On hand of all these products."""
    units_after: int


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A supplier's."""

    max_drop_percent: int
    max_zeroed_percent: int
    max_bad_percent: int
    max_below_reserved: int


def problems(plan: Plan, limits: Limits) -> list[str]:
    """Why the run must be held, a sentence each; none for one that may go ahead."""
    dropped = plan.units_before - plan.units_after
    found = []
    if _exceeds(dropped, limits.max_drop_percent, of=plan.units_before):
        found.append(
            f"Of {plan.units_before:,} units {dropped:,} would go, more than "
            f"{limits.max_drop_percent} %."
        )
    if _exceeds(plan.zeroed, limits.max_zeroed_percent, of=plan.skus):
        found.append(
            f"Of {plan.skus:,} products {plan.zeroed:,} would be empty, more than "
            f"{limits.max_zeroed_percent} %."
        )
    if _exceeds(plan.bad, limits.max_bad_percent, of=plan.rows):
        found.append(
            f"Of {plan.rows:,} rows {plan.bad:,} can't be used, more than "
            f"{limits.max_bad_percent} %."
        )
    if plan.below > limits.max_below_reserved:
        found.append(
            f"{plan.below:,} rows say less than is promised to customers, more than "
            f"{limits.max_below_reserved:,}."
        )
    return found


def _exceeds(part: int, percent: int, *, of: int) -> bool:
    """In whole numbers, so that exactly the limit is never over it."""
    return part * 100 > percent * of

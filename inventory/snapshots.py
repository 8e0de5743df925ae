"""What a supplier's "N on hand as of T" means for a stock: a pure function.

A feed is always late: since T goods were sold and received. Overwriting on_hand with N would sell
them again, or lose them. So a snapshot is merged:

    on_hand = N + everything that really moved after T

The newest T counts, so feeds may come late, twice or in any order and the stock ends the same. Of
two different snapshots of one instant nobody can say which is right; the smaller counts, since
selling what isn't there is worse, and so their order doesn't matter either.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Verdict(Enum):
    MERGE = "merge"
    OUTDATED = "outdated"
    """A newer snapshot has been merged already."""
    BELOW_RESERVED = "below reserved"
    """Less would be on hand than is promised to customers; a person has to decide."""


@dataclass(frozen=True, kw_only=True)
class Merge:
    """What to do with one snapshot. `change` is signed units of on_hand, for MERGE only."""

    verdict: Verdict
    change: int = 0
    on_hand: int = 0
    """What the snapshot means for now."""


def merge(
    *,
    quantity: int,
    as_of: datetime,
    moved_since: int,
    on_hand: int,
    reserved: int,
    merged_as_of: datetime | None,
) -> Merge:
    """`quantity` were there at `as_of`, and `moved_since` units (signed) moved after it.

    `on_hand`, `reserved` and `merged_as_of` are the stock's own.
    """
    if merged_as_of is not None and as_of < merged_as_of:
        return Merge(verdict=Verdict.OUTDATED)
    target = quantity + moved_since
    if as_of == merged_as_of:
        target = min(target, on_hand)
    if target < reserved:
        return Merge(verdict=Verdict.BELOW_RESERVED, on_hand=target)
    return Merge(verdict=Verdict.MERGE, change=target - on_hand, on_hand=target)

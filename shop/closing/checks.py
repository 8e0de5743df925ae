"""What a check answers: two numbers that must agree, and what is wrong when they don't."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

Key = TypeVar("Key")


@dataclass(frozen=True, kw_only=True)
class Check:
    """`found` things of one record against `expected` ones of another."""

    name: str
    found: int
    expected: int
    expected_name: str
    lost: int = 0
    """Things that should be there and are not."""

    doubled: int = 0
    """Things that are there more often than they should be."""

    oversold: int = 0
    """Units sold or promised that were not there."""

    @property
    def ok(self) -> bool:
        return self.found == self.expected and not (self.lost or self.doubled or self.oversold)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Numbers that are only told, such as orders by state."""

    name: str
    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Closing:
    """All there is to say about one set of orders, or about all of them."""

    title: str
    tallies: tuple[Tally, ...]
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    @property
    def lost(self) -> int:
        return sum(check.lost for check in self.checks)

    @property
    def doubled(self) -> int:
        return sum(check.doubled for check in self.checks)

    @property
    def oversold(self) -> int:
        return sum(check.oversold for check in self.checks)


@dataclass(frozen=True, kw_only=True)
class Difference:
    missing: int
    surplus: int


def difference(*, expected: Mapping[Key, int], found: Mapping[Key, int]) -> Difference:
    """How much is missing and how much is too much, key by key."""
    keys = expected.keys() | found.keys()
    gaps = [expected.get(key, 0) - found.get(key, 0) for key in keys]
    return Difference(
        missing=sum(gap for gap in gaps if gap > 0), surplus=sum(-gap for gap in gaps if gap < 0)
    )


def agreement(
    name: str,
    found: Mapping[Key, int],
    expected_name: str,
    expected: Mapping[Key, int],
    *,
    surplus: Literal["doubled", "oversold"] = "doubled",
) -> Check:
    """A check that both mappings are the same: what is missing is lost, too much is a `surplus`."""
    gap = difference(expected=expected, found=found)
    return Check(
        name=name,
        found=sum(found.values()),
        expected=sum(expected.values()),
        expected_name=expected_name,
        lost=gap.missing,
        doubled=gap.surplus if surplus == "doubled" else 0,
        oversold=gap.surplus if surplus == "oversold" else 0,
    )

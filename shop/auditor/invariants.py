"""The invariants: every SQL file in a family's folder is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tasks.statements import SqlFolder

FOLDER = Path(__file__).with_name("sql")
SQL = SqlFolder(FOLDER)

FAMILIES = ("stock", "orders", "money", "mails", "effects", "ledger")
PROVIDER = "provider"
"""The family about the sandbox provider's own books, which are another system's records."""

COMMENT = "-- "


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """A sentence that is true at every moment, and the query for what breaks it."""

    name: str
    """`stock.on_hand`: family and file."""

    sentence: str
    query: str
    """Answers rows of subject, expected, found, job_id, about (the subject of the jobs that may
    be to blame, if the row names none) and moment (when it went wrong, if that is known)."""

    @property
    def family(self) -> str:
        return self.name.partition(".")[0]


class UnknownInvariant(Exception):
    """There is none of this name. The message says which there are."""


@cache
def invariants() -> tuple[Invariant, ...]:
    """The shop's own, in the order of their families."""
    return _family_by_family(FAMILIES)


@cache
def provider_invariants() -> tuple[Invariant, ...]:
    """The cross-check with the sandbox provider's books."""
    return _family_by_family([PROVIDER])


def named(names: Iterable[str]) -> tuple[Invariant, ...]:
    """Those of these names, or of these families. Raises `UnknownInvariant`."""
    known = (*invariants(), *provider_invariants())
    chosen = []
    for name in names:
        found = [each for each in known if name in (each.name, each.family)]
        if not found:
            choices = ", ".join(each.name for each in known)
            raise UnknownInvariant(f"There is no invariant {name!r}. There are: {choices}.")
        chosen += found
    return tuple(dict.fromkeys(chosen))


def _family_by_family(families: Iterable[str]) -> tuple[Invariant, ...]:
    return tuple(
        _read(family, path.stem)
        for family in families
        for path in sorted((FOLDER / family).glob("*.sql"))
    )


def _read(family: str, name: str) -> Invariant:
    text = SQL.text(f"{family}/{name}")
    return Invariant(name=f"{family}.{name}", sentence=_sentence(text), query=text)


def _sentence(text: str) -> str:
    """The first paragraph of the comment that a file begins with."""
    lines = []
    for line in text.splitlines():
        if not line.startswith(COMMENT):
            break
        lines.append(line.removeprefix(COMMENT))
    return " ".join(lines)

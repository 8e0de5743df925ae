"""Lines of the file that the shop can't take, and why."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One refused line. `line` is its number in the file, counted from 1, the heading included."""

    line: int
    reason: str
    invoice: str = ""
    sku: str = ""


@dataclass(frozen=True, kw_only=True)
class ReasonCount:
    """How many lines were refused for one reason, and where they are."""

    reason: str
    lines: tuple[int, ...]

    def places(self, *, at_most: int = 6) -> str:
        """The first line numbers, for people: `141, 205, 3301 … (27 lines)`."""
        shown = ", ".join(str(line) for line in self.lines[:at_most])
        if len(self.lines) <= at_most:
            return shown
        return f"{shown} … ({len(self.lines):,} lines)"


def by_reason(refusals: Iterable[Refusal]) -> list[ReasonCount]:
    """The refusals gathered by reason, the most frequent first."""
    lines: dict[str, list[int]] = {}
    for refusal in refusals:
        lines.setdefault(refusal.reason, []).append(refusal.line)
    counts = [
        ReasonCount(reason=reason, lines=tuple(sorted(found))) for reason, found in lines.items()
    ]
    return sorted(counts, key=lambda count: (-len(count.lines), count.reason))


def write_csv(refusals: Sequence[Refusal], path: Path) -> None:
    """Write every refusal as CSV. Raises `OSError` when the file can't be written."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "invoice", "sku", "reason"])
        for refusal in sorted(refusals, key=lambda each: each.line):
            writer.writerow([refusal.line, refusal.invoice, refusal.sku, refusal.reason])

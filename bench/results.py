"""What came out: medians against goals, as a table for a terminal or for the docs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Series:
    """The same thing measured several times in one run."""

    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        return f"{_short(self.median)} {self.unit}"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Ours against another's. The goals are ratios or, without another, limits for our own."""

    name: str
    ours: Series
    other: Series | None = None
    other_name: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def figure(self) -> float:
        """The ratio to the other's, or our own value when there is none."""
        return self.ours.median / self.other.median if self.other else self.ours.median

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None when there is none."""
        if self.at_least is not None:
            return self.figure >= self.at_least
        if self.at_most is not None:
            return self.figure <= self.at_most
        return None

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """Name, ours, the other's, figure, goal with ✓ or ✗."""
        other = f"{self.other} ({self.other_name})" if self.other else ""
        ratio = f"{_short(self.figure)} ×" if self.other else ""
        return self.name, str(self.ours), other, ratio, self._goal()

    def _goal(self) -> str:
        unit = "×" if self.other else self.ours.unit
        if self.at_least is not None:
            text = f"≥ {_short(self.at_least)} {unit}"
        elif self.at_most is not None:
            text = f"≤ {_short(self.at_most)} {unit}"
        else:
            return ""
        return f"{text} {'✓' if self.met else '✗'}"


HEADINGS = ("measured", "ours", "beside it", "ratio", "goal")


def print_table(console: Console, rows: Sequence[Comparison]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row.cells)
    console.print(table)


def markdown(rows: Sequence[Comparison]) -> str:
    """The same table for docs/benchmarks.md."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _short(value: float) -> str:
    """Three figures are more than a benchmark can promise."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

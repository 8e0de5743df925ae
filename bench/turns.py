"""Taking turns: everything is measured once, then everything again, so that a machine that gets
slower or faster in between does so for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from rich.console import Console

Result = TypeVar("Result")


def in_turns(
    console: Console, what: str, measured: Mapping[str, Callable[[], Result]], rounds: int
) -> dict[str, tuple[Result, ...]]:
    """Measure each in turn, `rounds` times over."""
    results: dict[str, list[Result]] = {name: [] for name in measured}
    for turn in range(1, rounds + 1):
        console.print(f"{what}: {turn} of {rounds}")
        for name, measure in measured.items():
            results[name].append(measure())
    return {name: tuple(values) for name, values in results.items()}

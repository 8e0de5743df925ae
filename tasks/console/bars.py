"""Throughput over time as bars to draw: what succeeded, and what failed on top of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.statistics import Step

WIDTH, HEIGHT = 900, 140
GAP = 0.15
"""Of a step's width, between two bars."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """In the units of an SVG of WIDTH × HEIGHT, measured from its upper left corner."""

    x: float
    width: float
    good_y: float
    good_height: float
    bad_y: float
    bad_height: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Bars:
    bars: tuple[Bar, ...]
    top: int
    """Attempts in a step that would reach the upper edge."""


def bars_of(steps: Sequence[Step]) -> Bars:
    """One bar a step; no bar of something is invisibly low."""
    top = max((step.succeeded + step.failed for step in steps), default=0)
    slot = WIDTH / max(len(steps), 1)
    return Bars(
        bars=tuple(_bar(step, place * slot, slot, top) for place, step in enumerate(steps)),
        top=top,
    )


def _bar(step: Step, x: float, slot: float, top: int) -> Bar:
    good, bad = _height(step.succeeded, top), _height(step.failed, top)
    return Bar(
        x=round(x + slot * GAP / 2, 2),
        width=round(slot * (1 - GAP), 2),
        good_y=round(HEIGHT - good, 2),
        good_height=good,
        bad_y=round(HEIGHT - good - bad, 2),
        bad_height=bad,
        title=f"{step.start:%d %b %H:%M}: {step.succeeded:,} succeeded, {step.failed:,} failed",
    )


def _height(count: int, top: int) -> float:
    return round(max(HEIGHT * count / top, 1.5), 2) if count else 0.0

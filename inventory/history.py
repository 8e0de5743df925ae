"""A product's stock over time, as numbers and as a line to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from django.db.models import Sum
from django.utils import timezone

from inventory.models import StockMovement

WIDTH, HEIGHT = 800, 240
MARGIN = 40
MOST_MOVEMENTS = 5_000
"""More can't be told apart on a chart; a busy product's shows its newest ones."""


@dataclass(frozen=True)
class Level:
    """`units` were on hand from `at` on."""

    at: datetime
    units: int
    kind: str
    """Of the movement that led there."""
    reference: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What an SVG of WIDTH × HEIGHT needs."""

    path: str
    top: int
    """Units at the upper edge of the scale."""
    began: datetime
    ended: datetime


def levels(product_id: int, *, days: int) -> list[Level]:
    """On hand after each movement of the last `days` days, oldest first."""
    since = timezone.now() - timedelta(days=days)
    moves = StockMovement.objects.filter(stock__product_id=product_id)
    newest = list(
        moves.filter(created_at__gte=since)
        .order_by("-created_at", "-id")
        .values_list("created_at", "quantity", "kind", "reference")[:MOST_MOVEMENTS]
    )[::-1]
    total = moves.aggregate(units=Sum("quantity"))["units"] or 0
    before = total - sum(quantity for _, quantity, _, _ in newest)
    reached = list(accumulate((quantity for _, quantity, _, _ in newest), initial=before))[1:]
    return [
        Level(at, units, kind, reference)
        for (at, _, kind, reference), units in zip(newest, reached, strict=True)
    ]


def chart(history: Sequence[Level], *, now: datetime) -> Chart | None:
    """A stepped line, since stock doesn't change between movements; None without any."""
    if not history:
        return None
    began, top = history[0].at, max(1, *(level.units for level in history))
    span = max((now - began).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * (at - began).total_seconds() / span

    def y(units: int) -> float:
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * units / top

    steps = [f"M{x(began):.1f} {y(history[0].units):.1f}"]
    steps += [f"H{x(level.at):.1f}V{y(level.units):.1f}" for level in history[1:]]
    return Chart(path="".join([*steps, f"H{x(now):.1f}"]), top=top, began=began, ended=now)

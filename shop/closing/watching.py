"""Waits until a set of orders and all their jobs have come to an end, or nothing moves any more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from orders.models import Order
from orders.states import UNPAID
from shop.closing.references import references
from shop.progress import Reporter, Silent
from tasks.models import LIVE_STATES, Job

LOOK_EVERY_S = 0.25
"""Two cheap queries each time; often enough for a bar that seems to move."""


class Stalled(Exception):
    """Nothing moved for as long as the caller was ready to wait. The message says what hangs."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """The orders and their live jobs at one moment. Two that are equal mean: nothing moved."""

    orders: tuple[tuple[str, int], ...]
    jobs: tuple[tuple[str, int], ...]
    attempts: int
    """Claims of the live jobs: a retry is a sign of life too."""

    @property
    def settled(self) -> int:
        return sum(count for state, count in self.orders if state not in UNPAID)

    @property
    def total(self) -> int:
        return sum(count for _, count in self.orders)

    @property
    def is_over(self) -> bool:
        return self.settled == self.total and not self.jobs

    @property
    def note(self) -> str:
        """`confirmed 12, failed 3; jobs queued 4`"""
        orders = ", ".join(f"{state} {count:,}" for state, count in self.orders)
        jobs = ", ".join(f"{state} {count:,}" for state, count in self.jobs)
        return f"{orders}; jobs {jobs}" if jobs else orders


def jobs_of(orders: QuerySet[Order]) -> QuerySet[Job]:
    """The jobs about these orders, alive or ended."""
    return Job.objects.filter(subject__in=references(orders))


def left_alone(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Those of the orders that no live job works on: nothing about them changes any more."""
    busy = Job.objects.filter(
        state__in=LIVE_STATES,
        subject=Concat(
            Value("order:"), Cast(OuterRef("pk"), CharField()), output_field=CharField()
        ),
    )
    return orders.exclude(Exists(busy))


def look(orders: QuerySet[Order]) -> Sight:
    """See where the orders and their jobs are now."""
    live = jobs_of(orders).filter(state__in=LIVE_STATES).values_list("state", "attempt")
    jobs = list(live)
    states = Counter(orders.order_by().values_list("state", flat=True))
    return Sight(
        orders=tuple(sorted(states.items())),
        jobs=tuple(sorted(Counter(state for state, _ in jobs).items())),
        attempts=sum(attempt for _, attempt in jobs),
    )


def watch(
    orders: QuerySet[Order],
    *,
    stall_s: float,
    reporter: Reporter | None = None,
    meanwhile: Callable[[], bool] = lambda: False,
) -> Sight:
    """Look again and again until every order and every job of theirs is at its end.

    `meanwhile` is called between looks and says whether it has something left to do. Raises
    `Stalled` when nothing has moved for `stall_s` seconds; it never waits for longer than that
    without a sign of life.
    """
    reporter = reporter or Silent()
    newest: Sight | None = None
    moved_at = time.monotonic()
    while True:
        busy = meanwhile()
        sight = look(orders)
        reporter.update(sight.settled, note=sight.note)
        if sight.is_over and not busy:
            return sight
        if sight != newest:
            newest, moved_at = sight, time.monotonic()
        elif time.monotonic() - moved_at > stall_s:
            raise Stalled(f"Nothing moved for {stall_s:g} s: {sight.note}.")
        time.sleep(LOOK_EVERY_S)

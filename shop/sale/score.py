"""How a sale of one product stands, in numbers that add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Sum
from django.utils import timezone

from inventory.models import Product, Stock, StockMovement
from orders.models import Order
from orders.states import UNPAID
from tasks.models import LIVE_STATES, Job

RATE_S = 5.0
"""Seconds over which the rate of orders is taken."""

State = Order.State


@dataclass(frozen=True, kw_only=True)
class Score:
    """Orders of the product since its shelf was filled, and what lies on it now."""

    orders: int
    waiting: int
    """Nothing is decided about their money yet."""
    confirmed: int
    sold_out: int
    """Told that there is nothing left."""
    ended_otherwise: int
    """Declined, cancelled or refunded."""
    units_sold: int
    units_held: int
    units_left: int
    jobs: int
    """Live jobs of all kinds, shop-wide: what the workers still have before them."""
    per_s: float

    @property
    def is_over(self) -> bool:
        return self.waiting == 0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "is_over": self.is_over}


def score_of(product: Product) -> Score:
    """Read it now. A few cheap queries, of which only the first grows with the sale."""
    began_at = _filled_at(product)
    orders = Order.objects.filter(lines__product=product, placed_at__gte=began_at).order_by()
    counted = list(
        orders.values_list("state", "failure").annotate(Count("pk"), Sum("lines__quantity"))
    )
    states, units = Counter[str](), Counter[str]()
    for state, failure, number, quantity in counted:
        kind = "sold out" if failure.startswith("Sold out") else state
        states[kind] += number
        units[kind] += quantity
    waiting = sum(states[state] for state in UNPAID)
    since = timezone.now() - timedelta(seconds=RATE_S)
    ended = orders.exclude(state__in=UNPAID).filter(updated_at__gte=since).count()
    shelf = Stock.objects.filter(product=product).aggregate(
        held=Sum("reserved"), left=Sum(F("on_hand") - F("reserved"))
    )
    return Score(
        orders=states.total(),
        waiting=waiting,
        confirmed=states[State.CONFIRMED],
        sold_out=states["sold out"],
        ended_otherwise=states.total() - waiting - states[State.CONFIRMED] - states["sold out"],
        units_sold=units[State.CONFIRMED],
        units_held=shelf["held"] or 0,
        units_left=shelf["left"] or 0,
        jobs=Job.objects.filter(state__in=LIVE_STATES).count(),
        per_s=ended / RATE_S,
    )


def _filled_at(product: Product) -> datetime:
    """When somebody last put units on the shelf or took some off, apart from customers."""
    filled = StockMovement.objects.filter(
        stock__product=product,
        kind__in=[StockMovement.Kind.RECEIVED, StockMovement.Kind.ADJUSTED],
    ).aggregate(at=Max("created_at"))["at"]
    return filled or product.created_at

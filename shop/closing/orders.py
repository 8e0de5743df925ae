"""Orders: how many there are in each state, and that every one came to its end."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from orders.models import Order
from orders.states import UNPAID
from shop.closing.checks import Check, Tally


def by_state(orders: QuerySet[Order]) -> Tally:
    counts = dict(orders.order_by("state").values_list("state").annotate(Count("pk")))
    return Tally(name="orders", counts=counts)


def at_their_end(orders: QuerySet[Order]) -> Check:
    """An order that is neither confirmed nor ended, with nobody working on it, is a lost one."""
    total = orders.count()
    ended = orders.exclude(state__in=UNPAID).count()
    return Check(
        name="orders at their end",
        found=ended,
        expected=total,
        expected_name="orders placed",
        lost=total - ended,
    )

"""Order numbers in what other records call an order: `order:42`, `order:42:charge`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Cast, Concat

from orders.models import Order


def references(orders: QuerySet[Order], *, suffix: str = "") -> QuerySet[Order, str]:
    """The orders' names with `suffix`, as a subquery for `…__in`."""
    name = Concat(Value("order:"), Cast("pk", CharField()), Value(suffix), output_field=CharField())
    return orders.order_by().annotate(name_elsewhere=name).values_list("name_elsewhere", flat=True)


def order_number(reference: str) -> int | None:
    """42 of `order:42:charge`; None for what is no order's."""
    parts = reference.split(":")
    if len(parts) < 2 or parts[0] != "order" or not parts[1].isdecimal():
        return None
    return int(parts[1])


def tally(ids: Iterable[int | None]) -> dict[int, int]:
    """How often each order number comes up."""
    return dict(Counter(number for number in ids if number is not None))

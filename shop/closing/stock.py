"""Stock: every unit on hand came by a movement, every reserved one is held by a reservation."""

from __future__ import annotations

from functools import partial

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Abs

from inventory.models import Reservation, Stock, StockMovement
from orders.models import Order, OrderLine
from shop.closing.checks import Check, agreement
from shop.closing.references import order_number, references

SOLD_STATES = (Order.State.CONFIRMED, Order.State.REFUNDED)
"""Orders whose goods are with the customer; a refund gives back money, not goods."""


def moved() -> Check:
    """on_hand is the sum of the movements, row by row."""
    sums = StockMovement.objects.order_by().values("stock").annotate(units=Sum("quantity"))
    found = dict(Stock.objects.order_by().values_list("pk", "on_hand"))
    expected = dict(sums.values_list("stock", "units"))
    return _units("units on hand", found, "in all movements", expected)


def held() -> Check:
    """reserved is the sum of the held reservations, row by row."""
    reserved = dict(Stock.objects.order_by().values_list("pk", "reserved"))
    sums = (
        Reservation.objects.filter(state=Reservation.State.HELD)
        .order_by()
        .values("stock")
        .annotate(units=Sum("quantity"))
    )
    expected = dict(sums.values_list("stock", "units"))
    return _units("units reserved", reserved, "in held reservations", expected)


def never_negative() -> Check:
    """Nothing is promised that isn't there. The database has a constraint; this looks anyway."""
    over = Stock.objects.filter(reserved__gt=F("on_hand")).aggregate(
        units=Sum(Abs(F("reserved") - F("on_hand")))
    )["units"]
    return Check(
        name="units oversold",
        found=over or 0,
        expected=0,
        expected_name="expected",
        oversold=over or 0,
    )


def sold(orders: QuerySet[Order]) -> Check:
    """What left the shelves for each order is what the order says, and nothing for others."""
    lines = (
        OrderLine.objects.filter(order__in=orders.filter(state__in=SOLD_STATES).order_by())
        .order_by()
        .values_list("order_id", "product_id")
        .annotate(units=Sum("quantity"))
    )
    movements = (
        StockMovement.objects.filter(reference__in=references(orders))
        .order_by()
        .values_list("reference", "stock__product_id")
        .annotate(units=-Sum("quantity"))
    )
    expected = {(order, product): units for order, product, units in lines}
    found = {
        (order_number(reference) or 0, product): units for reference, product, units in movements
    }
    return _units("units sold and kept", found, "in confirmed and refunded orders", expected)


_units = partial(agreement, surplus="oversold")

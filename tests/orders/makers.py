"""What the orders' tests are made of: products on a shelf, placed orders, runs of their jobs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Sum

from inventory import stock
from inventory.models import Product, Reservation, Stock, StockMovement
from orders.models import Order, OrderEvent
from orders.placing import LineRequest, place_order
from tasks.context import CurrentJob, running
from tasks.models import Job

_numbers = count(1)


def product(*, on_hand: int = 100, price_minor: int = 250, **values: Any) -> Product:
    """A new product with its stock received."""
    number = next(_numbers)
    made = Product.objects.create(
        **{"sku": f"SKU-{number}", "name": f"Mug {number}", "price_minor": price_minor, **values}
    )
    if on_hand:
        stock.receive(product_id=made.pk, quantity=on_hand, reference="delivery:1")
    return made


def order(*products: Product, quantity: int = 2, **values: Any) -> Order:
    """A placed order of `quantity` of each product (one new product without any)."""
    lines = [LineRequest(sku=each.sku, quantity=quantity) for each in products or [product()]]
    return place_order(
        **{"email": "ann@shop.example", "lines": lines, "payment_method": "pm_ok", **values}
    )


def run_as_job(call: Callable[[], Any], *, job_id: UUID | None = None, attempt: int = 1) -> Any:
    """Call it as an attempt of a job would."""
    job = CurrentJob(
        id=job_id or uuid4(), attempt=attempt, task="test", correlation_id="", worker="test"
    )
    with running(job):
        return call()


def fresh(order: Order) -> Order:
    return Order.objects.select_related("payment").get(pk=order.pk)


def kinds(order: Order) -> list[str]:
    """The order's timeline, by kind."""
    return list(OrderEvent.objects.filter(order=order).values_list("kind", flat=True))


def jobs_of(order: Order, task: str) -> list[Job]:
    return list(Job.objects.filter(subject=order.reference, task=task).order_by("created_at"))


def held(order: Order) -> int:
    """Units promised to the order and neither sold nor let go."""
    reservations = Reservation.objects.filter(
        reference=order.reference, state=Reservation.State.HELD
    )
    return reservations.aggregate(units=Sum("quantity"))["units"] or 0


def sold(order: Order) -> int:
    """Units that left the shelf for the order, less those that came back."""
    movements = StockMovement.objects.filter(reference=order.reference)
    return -(movements.aggregate(units=Sum("quantity"))["units"] or 0)


def shelf(product: Product) -> tuple[int, int]:
    """(on hand, reserved)"""
    row = Stock.objects.get(product=product)
    return row.on_hand, row.reserved

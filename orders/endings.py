"""What an order gives back when it ends before it was confirmed: its goods and its money."""

from __future__ import annotations

from django.db import transaction

from inventory import reservations
from orders import jobs, states, timeline
from orders.models import Order, Payment


def fail(order: Order, *, reason: str) -> bool:
    """End the order as failed, with a reason for the customer. False: it had ended or was paid."""
    with transaction.atomic():
        if not states.failed(order.pk, reason=reason):
            return False
        timeline.record(order_id=order.pk, kind="failed", message=reason)
        let_go(order)
        return True


def let_go(order: Order) -> None:
    """Release the goods; make sure nothing is charged, or ask for the money to be given back.

    Call it in the transaction that ends the order. A payment that nobody asked for yet becomes
    void, and no worker can charge it any more. One that may have been taken is left to the refund
    job, which finds out and gives it back.
    """
    if not states.payment_void(order.pk) and _may_hold_money(order):
        jobs.enqueue_refund(order.pk)
    reservations.release(reference=order.reference)


def _may_hold_money(order: Order) -> bool:
    return Payment.objects.filter(
        order=order, state__in=[Payment.State.CHARGING, Payment.State.CAPTURED]
    ).exists()

"""Calling an order off, before or after it was paid."""

from __future__ import annotations

from django.db import transaction

from inventory import reservations
from orders import endings, jobs, states, timeline
from orders.models import Order


def cancel_order(*, order_id: int, actor: str = "", reason: str = "") -> bool:
    """Cancel the order, give its goods back and have its money given back.

    True: this call cancelled it. False: it had ended already (failed, cancelled or refunded).
    Everything is in one transaction with the e-mail to the customer. Money that was taken, or may
    have been, is given back by a job. A checkout that runs meanwhile notices at its next step.
    Raises `Order.DoesNotExist`.
    """
    order = Order.objects.get(pk=order_id)
    with transaction.atomic():
        # In this order: a checkout may confirm the order in between, and the second one sees it.
        if states.cancelled_unpaid(order_id):
            endings.let_go(order)
        elif states.cancelled_paid(order_id):
            reservations.return_goods(reference=order.reference, actor=timeline.author(actor))
            jobs.enqueue_refund(order_id)
        else:
            return False
        message = "The order was cancelled" + (f": {reason}" if reason else ".")
        timeline.record(order_id=order_id, kind="cancelled", message=message, actor=actor)
        jobs.enqueue_email(order_id, "cancellation")
        return True

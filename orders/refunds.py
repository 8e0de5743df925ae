"""Giving money back: a person asks, or an order ended that was, or may have been, paid.

The refund job first finds out what was taken. While a charge may still be on its way it snoozes;
what it finds it writes down; and only then it gives back what was captured. Killed anywhere, its
next run reads the payment's state and goes on:

    charging   ask the provider by the charge's key ─▶ captured, refused or void
    captured   refund as an effect ─▶ refunded, with the e-mail enqueued in the same transaction
    otherwise  nothing is owed
"""

from __future__ import annotations

from django.db import transaction

from orders import cashier, inquiries, jobs, receipts, states, timeline
from orders.errors import NothingToRefund
from orders.models import Order, Payment
from tasks.outcomes import Retry

OWED = (Payment.State.CHARGING, Payment.State.CAPTURED)

# charging, captured, settled, and one look for an attempt that overlapped.
MAX_LOOKS = 4


def refund_order(*, order_id: int, actor: str = "", reason: str = "") -> None:
    """Ask for the order's money to be given back; the goods stay with the customer.

    Raises `NothingToRefund` if the order is not paid or has its money back already.
    """
    with transaction.atomic():
        order = Order.objects.select_related("payment").get(pk=order_id)
        if order.state in states.UNPAID:
            raise NothingToRefund(f"Order {order_id} is not confirmed yet. Cancel it instead.")
        if order.payment.state not in OWED:
            raise NothingToRefund(f"The payment of order {order_id} is {order.payment.state}.")
        message = "A refund was asked for" + (f": {reason}" if reason else ".")
        timeline.record(order_id=order_id, kind="refund_asked", message=message, actor=actor)
        jobs.enqueue_refund(order_id)


def give_back(*, order_id: int) -> None:
    """Give back whatever was taken for the order, once. Must not be in a transaction.

    Raises `NothingToRefund` for an order that may still be confirmed, `Snooze` while it has to
    wait, and the gateway's errors.
    """
    for _ in range(MAX_LOOKS):
        order = Order.objects.select_related("payment").get(pk=order_id)
        if order.state in states.UNPAID:
            raise NothingToRefund(f"Order {order_id} may still be confirmed. Cancel it instead.")
        if order.payment.state not in OWED:
            return
        if order.payment.state == Payment.State.CHARGING:
            inquiries.settle_charge(order)
        else:
            _refund(order)
    raise Retry("the payment kept changing")


def _refund(order: Order) -> None:
    cashier.refund(order)
    with transaction.atomic():
        if receipts.refunded(order):
            jobs.enqueue_email(order.pk, "refund")

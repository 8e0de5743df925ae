"""Writing down what the provider said about an order's money, whatever became of the order.

A payment's state is the provider's word: a charge is captured even if the order was cancelled
while it was on its way. Whoever writes that down for an order that has ended asks, in the same
transaction, for the money to be given back. Whoever ends an order does the same for a charge that
is written down already (`orders.endings`). So one of the two always does.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orders import jobs, states, timeline
from orders.models import Order
from orders.money import format_minor
from orders.payments.gateway import Charge


def charged(order: Order, charge: Charge) -> bool:
    """The provider took the money. False: that was known."""
    amount = format_minor(charge.amount_minor, charge.currency)
    with transaction.atomic():
        if not states.payment_captured(order.pk, provider_reference=charge.reference):
            return False
        timeline.record(order_id=order.pk, kind="charged", message=f"{amount} was paid.")
        if Order.objects.filter(pk=order.pk, state__in=states.ENDED).exists():
            jobs.enqueue_refund(order.pk)
        return True


def declined(order: Order) -> bool:
    """The provider took nothing and never will for this order. False: that was known."""
    with transaction.atomic():
        if not states.payment_refused(order.pk):
            return False
        timeline.record(
            order_id=order.pk, kind="payment_refused", message="The payment was declined."
        )
        return True


def never_taken(order: Order, *, last_asked_before: datetime) -> bool:
    """The provider knows of no charge, and no request that was allowed by then is under way.
    False: that was known, or somebody was allowed to ask since."""
    with transaction.atomic():
        if not states.payment_never_taken(order.pk, last_asked_before=last_asked_before):
            return False
        timeline.record(
            order_id=order.pk,
            kind="payment_void",
            message="The provider has no payment for it, so there is nothing to give back.",
        )
        return True


def refunded(order: Order) -> bool:
    """The provider gave the money back. False: that was known."""
    amount = format_minor(order.payment.amount_minor, order.payment.currency)
    with transaction.atomic():
        if not states.payment_refunded(order.pk):
            return False
        states.refunded(order.pk)
        timeline.record(order_id=order.pk, kind="refunded", message=f"{amount} was given back.")
        return True

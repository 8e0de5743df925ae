"""Every change of an order's and of a payment's state: one conditional UPDATE for each arrow.

This is the only module that writes `Order.state` and `Payment.state`. Each function answers
whether its arrow happened now. False means that somebody else was quicker (an operator who
cancelled, another attempt of the same job), never an error: look again and act on what is there.

No arrow needs a lock held from reading to writing. An UPDATE that finds its row locked waits and
then checks its WHERE again on the newest version, so of two arrows that start at one state exactly
one happens. https://www.postgresql.org/docs/15/transaction-iso.html#XACT-READ-COMMITTED

Transactions that touch several rows take them in this order: order, payment, stock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from orders.models import Order, Payment

UNPAID = (Order.State.PLACED, Order.State.RESERVED)
"""An order in one of these has neither succeeded nor ended."""

ENDED = (Order.State.FAILED, Order.State.CANCELLED, Order.State.REFUNDED)
"""An order in one of these keeps no goods reserved and no money, once its jobs have run."""


def reserved(order_id: int) -> bool:
    """placed ─▶ reserved"""
    return _move_order(order_id, [Order.State.PLACED], Order.State.RESERVED)


def confirmed(order_id: int) -> bool:
    """reserved ─▶ confirmed. Call it in the transaction that commits the reservation."""
    return _move_order(order_id, [Order.State.RESERVED], Order.State.CONFIRMED)


def failed(order_id: int, *, reason: str) -> bool:
    """placed, reserved ─▶ failed. `reason` is for the customer, at most 200 characters."""
    return _move_order(order_id, UNPAID, Order.State.FAILED, failure=reason[:200])


def cancelled_unpaid(order_id: int) -> bool:
    """placed, reserved ─▶ cancelled. The payment may be under way: look at it next."""
    return _move_order(order_id, UNPAID, Order.State.CANCELLED)


def cancelled_paid(order_id: int) -> bool:
    """confirmed ─▶ cancelled"""
    return _move_order(order_id, [Order.State.CONFIRMED], Order.State.CANCELLED)


def refunded(order_id: int) -> bool:
    """confirmed ─▶ refunded"""
    return _move_order(order_id, [Order.State.CONFIRMED], Order.State.REFUNDED)


def payment_charging(order_id: int) -> bool:
    """pending, charging ─▶ charging, while the order waits for its money.

    True allows the caller to ask the provider for the money, now. `asked_at` is the time of the
    newest such permission: no request can be under way for longer than a job may run since then.
    The order's state is only a courtesy here. What stops a charge for good is the payment's own
    state: whoever ends an order makes a pending payment void, or leaves a charging one to refund.
    """
    return _move_payment(
        order_id,
        [Payment.State.PENDING, Payment.State.CHARGING],
        Payment.State.CHARGING,
        asked_at=timezone.now(),
        only_if_order_is=[Order.State.RESERVED],
    )


def payment_captured(order_id: int, *, provider_reference: str) -> bool:
    """charging ─▶ captured, and refused, void ─▶ captured: the provider has the last word."""
    return _move_payment(
        order_id,
        [Payment.State.CHARGING, Payment.State.REFUSED, Payment.State.VOID],
        Payment.State.CAPTURED,
        provider_reference=provider_reference,
        captured_at=timezone.now(),
    )


def payment_refused(order_id: int) -> bool:
    """charging ─▶ refused"""
    return _move_payment(order_id, [Payment.State.CHARGING], Payment.State.REFUSED)


def payment_void(order_id: int) -> bool:
    """pending ─▶ void. False when the provider may have been asked already."""
    return _move_payment(order_id, [Payment.State.PENDING], Payment.State.VOID)


def payment_never_taken(order_id: int, *, last_asked_before: datetime) -> bool:
    """charging ─▶ void, unless the provider was about to be asked since `last_asked_before`."""
    return _move_payment(
        order_id,
        [Payment.State.CHARGING],
        Payment.State.VOID,
        only_if_asked_before=last_asked_before,
    )


def payment_refunded(order_id: int) -> bool:
    """captured ─▶ refunded"""
    return _move_payment(
        order_id, [Payment.State.CAPTURED], Payment.State.REFUNDED, refunded_at=timezone.now()
    )


def _move_order(
    order_id: int, before: Sequence[Order.State], after: Order.State, **values: Any
) -> bool:
    return bool(
        Order.objects.filter(pk=order_id, state__in=before).update(
            state=after, updated_at=timezone.now(), **values
        )
    )


def _move_payment(
    order_id: int,
    before: Sequence[Payment.State],
    after: Payment.State,
    *,
    only_if_order_is: Sequence[Order.State] | None = None,
    only_if_asked_before: datetime | None = None,
    **values: Any,
) -> bool:
    payments = Payment.objects.filter(order_id=order_id, state__in=before)
    if only_if_order_is is not None:
        # EXISTS, not a join: Django would move a joined filter, the payment's own state with it,
        # into a subquery, and PostgreSQL does not look again at a subquery's rows after a wait.
        orders = Order.objects.filter(pk=OuterRef("order_id"), state__in=only_if_order_is)
        payments = payments.filter(Exists(orders))
    if only_if_asked_before is not None:
        payments = payments.filter(asked_at__lt=only_if_asked_before)
    return bool(payments.update(state=after, **values))

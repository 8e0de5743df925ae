"""How the sandbox provider charges and refunds. Magic payment methods make it misbehave.

    pm_ok              succeeds
    pm_decline         is declined
    pm_slow            is pending for `SLOW_S` seconds, then succeeds
    pm_timeout         succeeds, but the first answer comes after `settings.SANDBOX_HANG_S`
    pm_error500        fails without charging the first time it is asked, then succeeds
    pm_error500_after  succeeds, but the first answer is an error
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from orders.sandbox.models import Charge, Refund

SLOW_S = 2.0

PAYMENT_METHODS = frozenset(
    {"pm_ok", "pm_decline", "pm_slow", "pm_timeout", "pm_error500", "pm_error500_after"}
)


class Invalid(Exception):
    """The request makes no sense; the message says why."""


@dataclass(frozen=True)
class Order:
    """A valid request to charge."""

    amount_minor: int
    currency: str
    payment_method: str
    description: str


def read_order(body: Any) -> Order:
    """Raises `Invalid`."""
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    amount, currency = body.get("amount_minor"), body.get("currency")
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 < amount < 10**12:
        raise Invalid("amount_minor must be a whole number above 0.")
    if not isinstance(currency, str) or len(currency) != 3 or not currency.isalpha():
        raise Invalid("currency must have three letters.")
    if body.get("payment_method") not in PAYMENT_METHODS:
        raise Invalid(f"payment_method must be one of {', '.join(sorted(PAYMENT_METHODS))}.")
    description = body.get("description", "")
    if not isinstance(description, str) or "\0" in description:
        raise Invalid("description must be text.")
    return Order(amount, currency.upper(), body["payment_method"], description[:200])


def charge(*, key: str, order: Order) -> Charge:
    """Make the charge of this key. Its unique key is what makes a second one impossible."""
    state, message, settles_at = Charge.State.SUCCEEDED, "", None
    if order.payment_method == "pm_decline":
        state, message = Charge.State.DECLINED, "Your card was declined."
    elif order.payment_method == "pm_slow":
        state, settles_at = Charge.State.PENDING, timezone.now() + timedelta(seconds=SLOW_S)
    made, _ = Charge.objects.get_or_create(
        key=key,
        defaults={
            "state": state,
            "message": message,
            "settles_at": settles_at,
            "amount_minor": order.amount_minor,
            "currency": order.currency,
            "payment_method": order.payment_method,
            "description": order.description,
        },
    )
    return made


def refund(*, key: str, body: Any) -> Refund:
    """Give back part or all of a charge, never more than it took. Raises `Invalid`."""
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    amount = body.get("amount_minor")
    if isinstance(amount, bool) or not isinstance(amount, int) or amount <= 0:
        raise Invalid("amount_minor must be a whole number above 0.")
    with transaction.atomic():
        settle_due()
        found = Charge.objects.select_for_update().filter(pk=str(body.get("charge"))).first()
        if found is None or found.state != Charge.State.SUCCEEDED:
            raise Invalid("There is no succeeded charge of this id.")
        given = found.refunds.exclude(key=key).aggregate(sum=Sum("amount_minor"))["sum"] or 0
        if given + amount > found.amount_minor:
            raise Invalid(f"Only {found.amount_minor - given} is left to refund.")
        made, _ = Refund.objects.get_or_create(
            key=key, defaults={"charge": found, "amount_minor": amount}
        )
    return made


def settle_due() -> None:
    """Pending charges whose time has come have succeeded."""
    Charge.objects.filter(state=Charge.State.PENDING, settles_at__lte=timezone.now()).update(
        state=Charge.State.SUCCEEDED
    )


def describe_charge(made: Charge) -> dict[str, Any]:
    return {
        "id": made.pk,
        "key": made.key,
        "state": made.state,
        "amount_minor": made.amount_minor,
        "currency": made.currency,
        "message": made.message,
    }


def describe_refund(made: Refund) -> dict[str, Any]:
    return {
        "id": made.pk,
        "key": made.key,
        "state": "succeeded",
        "charge": made.charge_id,
        "amount_minor": made.amount_minor,
    }


def totals() -> dict[str, int]:
    """Succeeded charges and refunds, for audits: how many, and their sums in minor units."""
    settle_due()
    charges = Charge.objects.filter(state=Charge.State.SUCCEEDED)
    return {
        "charges": charges.count(),
        "charged_minor": charges.aggregate(sum=Sum("amount_minor"))["sum"] or 0,
        "refunds": Refund.objects.count(),
        "refunded_minor": Refund.objects.aggregate(sum=Sum("amount_minor"))["sum"] or 0,
    }

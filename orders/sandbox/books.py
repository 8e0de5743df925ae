"""The provider's books: taking money, giving it back, and saying what was done.

The functions that write must run in the transaction that saves the request's answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, QuerySet, Sum
from django.utils import timezone

from orders.sandbox import events
from orders.sandbox.cards import CARDS
from orders.sandbox.errors import Invalid
from orders.sandbox.models import Charge, Refund
from orders.sandbox.requests import ChargeRequest, RefundRequest


def charge(*, key: str, wish: ChargeRequest) -> Charge:
    """Take the money, or decline to, as the card says. Once a key, by its unique constraint."""
    card = CARDS[wish.payment_method]
    charge = Charge.objects.create(
        key=key,
        state=card.state,
        message=card.message,
        amount_minor=wish.amount_minor,
        currency=wish.currency,
        payment_method=wish.payment_method,
        description=wish.description,
        settles_at=_settles_at(pending=card.state == Charge.State.PENDING),
    )
    events.record([charge])
    return charge


def refund(*, key: str, wish: RefundRequest) -> Refund:
    """Give back some or all of what a charge took. Raises `Invalid`.

    What a slow card paid goes back slowly too.
    """
    charge = Charge.objects.select_for_update().filter(reference=wish.charge).first()
    if charge is None:
        raise Invalid("charge: there is none of this id.")
    if charge.state != Charge.State.SUCCEEDED:
        raise Invalid(f"charge: it took no money, it is {charge.state}.")
    left = charge.amount_minor - charge.refunded_minor
    if wish.amount_minor > left:
        raise Invalid(f"amount_minor: only {left} of the charge is left to give back.")
    Charge.objects.filter(pk=charge.pk).update(
        refunded_minor=F("refunded_minor") + wish.amount_minor
    )
    slow = CARDS[charge.payment_method].state == Charge.State.PENDING
    refund = Refund.objects.create(
        key=key,
        charge=charge,
        state=Refund.State.PENDING if slow else Refund.State.SUCCEEDED,
        amount_minor=wish.amount_minor,
        settles_at=_settles_at(pending=slow),
    )
    events.record([refund])
    return refund


def settle_due() -> None:
    """What was pending until now has succeeded. Called before anything is read."""
    for model in (Charge, Refund):
        due: QuerySet[Any] = model._default_manager.filter(
            state=model.State.PENDING, settles_at__lte=timezone.now()
        )
        if not due.exists():
            continue
        with transaction.atomic():
            settled = list(due.select_for_update())
            due.filter(pk__in=[made.pk for made in settled]).update(state=model.State.SUCCEEDED)
            for made in settled:
                made.state = model.State.SUCCEEDED
            events.record(settled)


def describe_charge(charge: Charge) -> dict[str, Any]:
    """The charge as clients see it."""
    return {
        "id": charge.reference,
        "object": "charge",
        "key": charge.key,
        "state": charge.state,
        "amount_minor": charge.amount_minor,
        "refunded_minor": charge.refunded_minor,
        "currency": charge.currency,
        "payment_method": charge.payment_method,
        "description": charge.description,
        "message": charge.message,
        "created_at": charge.created_at.isoformat(),
    }


def describe_refund(refund: Refund) -> dict[str, Any]:
    """The refund as clients see it."""
    return {
        "id": refund.reference,
        "object": "refund",
        "key": refund.key,
        "state": refund.state,
        "charge": refund.charge.reference,
        "amount_minor": refund.amount_minor,
        "created_at": refund.created_at.isoformat(),
    }


def counts() -> dict[str, Any]:
    """For audits: how many charges and refunds are in each state, and their sums in minor units."""
    return {
        "charges": _by_state(Charge, Charge.State.values),
        "refunds": _by_state(Refund, Refund.State.values),
    }


def _by_state(model: type[Charge | Refund], states: list[str]) -> dict[str, dict[str, int]]:
    rows = model._default_manager.order_by("state").values_list("state")
    found = {
        state: {"count": count, "amount_minor": int(amount)}
        for state, count, amount in rows.annotate(Count("pk"), Sum("amount_minor"))
    }
    return {state: found.get(state, {"count": 0, "amount_minor": 0}) for state in states}


def _settles_at(*, pending: bool) -> datetime | None:
    return timezone.now() + timedelta(seconds=settings.SANDBOX_SETTLE_S) if pending else None

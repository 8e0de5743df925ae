"""Writing down what there is to tell, in the transaction that made it happen."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from orders.sandbox.models import Charge, Event, Refund


def record(made: Sequence[Charge | Refund]) -> None:
    """Something happened to these. Call it in the transaction that wrote it."""
    if settings.SANDBOX_WEBHOOK_URL:
        Event.objects.bulk_create(
            Event(kind=f"{type(one).__name__.lower()}.{one.state}", key=one.key)
            for one in made
            if one.state != type(one).State.PENDING
        )

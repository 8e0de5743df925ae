"""Everything that is on record about one order, read for its "Why?" page.

It reads by the order's reference (`order:42`) only, each time by an index. What is wordy is
bounded: of an order whose job was tried all night the newest attempts are enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth import get_user_model

from inventory.models import Reservation, StockMovement
from orders.models import Order, OrderEvent
from tasks.models import Attempt, AuditEntry, Effect, Job

NEWEST = 200
"""So many attempts, jobs and people's deeds are read; a page with more explains nothing."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """What is on record about an order. `people` maps `user:3` to the account's name."""

    order: Order
    events: Sequence[OrderEvent]
    jobs: Sequence[Job]
    attempts: Sequence[Attempt]
    older_attempts: int
    effects: Sequence[Effect]
    reservations: Sequence[Reservation]
    movements: Sequence[StockMovement]
    audit: Sequence[AuditEntry]
    people: Mapping[str, str]


def records_of(order: Order) -> Records:
    """Raises nothing; whatever has been pruned is missing."""
    # Results and tracebacks are for the job's own page.
    jobs = list(
        Job.objects.filter(subject=order.reference)
        .defer("args", "result", "traceback", "options")
        .order_by("-created_at", "-id")[:NEWEST]
    )
    tried = Attempt.objects.filter(job__in=[job.pk for job in jobs])
    attempts = list(tried.defer("traceback").order_by("-finished_at", "-id")[:NEWEST])
    about = [order.reference, *(f"job:{job.pk}" for job in jobs)]
    audit = list(AuditEntry.objects.filter(subject__in=about).order_by("-at", "-id")[:NEWEST])
    events = list(OrderEvent.objects.filter(order=order))
    return Records(
        order=order,
        events=events,
        jobs=jobs,
        attempts=attempts,
        older_attempts=tried.count() - len(attempts) if len(attempts) == NEWEST else 0,
        effects=list(Effect.objects.filter(key__startswith=f"{order.reference}:")),
        reservations=list(
            Reservation.objects.filter(reference=order.reference)
            .select_related("stock__product")
            .order_by("id")
        ),
        movements=list(
            StockMovement.objects.filter(reference=order.reference)
            .select_related("stock__product")
            .order_by("id")
        ),
        audit=audit,
        people=_names(
            [
                *(entry.actor for entry in audit),
                *(job.enqueued_by for job in jobs),
                *(event.actor for event in events),
            ]
        ),
    )


def _names(actors: Iterable[str]) -> dict[str, str]:
    ids = {actor.removeprefix("user:") for actor in actors if actor.startswith("user:")}
    users = get_user_model()._default_manager.filter(pk__in=[pk for pk in ids if pk.isdecimal()])
    return {f"user:{user.pk}": user.get_username() for user in users}

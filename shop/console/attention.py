"""What waits for a person, across the shop: the first thing an operator wants to know.

Each question reads one partial index or a few rows, so the page may ask again every few seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from inventory.models import LowStockAlert, SyncRun
from orders.models import Order
from orders.states import UNPAID
from shop.auditor.models import AuditRun
from tasks import inquiries
from tasks.console.overview import LATE_S
from tasks.console.wording import duration
from tasks.models import Job, JobState
from tasks.queues import queues

OVERDUE = timedelta(minutes=10)
"""An order takes seconds; slow ones of the provider some minutes."""


@dataclass(frozen=True, kw_only=True)
class Concern:
    """One kind of thing that somebody should look at. `urgent`: customers feel it."""

    text: str
    link: str
    permission: str
    urgent: bool = False


def concerns() -> list[Concern]:
    """The urgent ones first."""
    found = [*_jobs(), *_effects(), *_orders(), *_queues(), *_syncs(), *_stock(), *_audits()]
    return sorted(found, key=lambda concern: not concern.urgent)


def _jobs() -> Iterator[Concern]:
    if dead := Job.objects.filter(state=JobState.DEAD).count():
        yield Concern(
            text=f"{_some(dead, 'dead job')}: put right what is wrong, then retry.",
            link=reverse("admin:tasks_dead"),
            permission="tasks.view_job",
            urgent=True,
        )


def _effects() -> Iterator[Concern]:
    if unknown := inquiries.unknown().count():
        yield Concern(
            text=f"{_some(unknown, 'effect')} of which nobody knows the outcome: ask the provider.",
            link=_list("tasks_effect", outcome="unknown"),
            permission="tasks.view_effect",
            urgent=True,
        )


def _orders() -> Iterator[Concern]:
    since = timezone.now() - OVERDUE
    if late := Order.objects.filter(state__in=UNPAID, placed_at__lt=since).count():
        yield Concern(
            text=f"{_some(late, 'order')} under way for more than {_minutes(OVERDUE)} minutes.",
            link=_list("orders_order", state__in=",".join(UNPAID)),
            permission="orders.view_order",
            urgent=True,
        )


def _queues() -> Iterator[Concern]:
    for each in queues():
        late_s = each.oldest_s or 0.0
        if each.pause:
            text = f"Queue {each.name} is paused by {each.pause.by}; {each.waiting:,} jobs wait."
        elif late_s > LATE_S:
            text = f"Queue {each.name} is behind: its oldest job has waited {duration(late_s)}."
        else:
            continue
        yield Concern(
            text=text,
            link=reverse("admin:tasks_queues"),
            permission="tasks.view_job",
            urgent=not each.pause,
        )


def _syncs() -> Iterator[Concern]:
    if held := SyncRun.objects.filter(state=SyncRun.State.HELD).count():
        yield Concern(
            text=f"{_some(held, 'sync')} held until a person has looked.",
            link=_list("inventory_syncrun", state__exact=SyncRun.State.HELD),
            permission="inventory.view_syncrun",
        )


def _stock() -> Iterator[Concern]:
    if low := LowStockAlert.objects.filter(recovered_at=None).count():
        yield Concern(
            text=f"{_some(low, 'product')} low on stock.",
            link=_list("inventory_lowstockalert", recovered_at__isempty=1),
            permission="inventory.view_lowstockalert",
        )


def _audits() -> Iterator[Concern]:
    last = AuditRun.objects.first()
    if last and last.broken:
        yield Concern(
            text=f"The last audit found {_some(last.breaches, 'breach', 'breaches')}.",
            link=reverse("admin:auditor_auditrun_change", args=[last.pk]),
            permission="auditor.view_auditrun",
            urgent=True,
        )


def _some(count: int, one: str, many: str = "") -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {many or one + 's'}"


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)


def _list(page: str, **wanted: str | int) -> str:
    return f"{reverse(f'admin:{page}_changelist')}?{urlencode(wanted)}"

"""A worker without a broker: it claims, runs and ends jobs as the real one does, in this thread."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from celery import current_app
from celery.exceptions import Ignore, Retry

from orders.models import Order
from tasks import execution, jobs
from tasks.models import LIVE_STATES, Job
from tasks.publisher import LEDGER_HEADER

MAX_RUNS = 20  # of one job; one that needs more never comes to its end


@dataclass(frozen=True)
class Request:
    """What a message tells of itself."""

    id: str
    hostname: str = "worker@here"
    delivery_info: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        return "1" if name == LEDGER_HEADER else None


def work_off(*orders: Order) -> None:
    """Run the orders' jobs, and what they enqueue, until none of them is alive."""
    for _ in range(MAX_RUNS):
        live = _live(orders)
        if not live:
            return
        for job_id in live:
            run_once(job_id)
    raise AssertionError(f"jobs that never end: {_live(orders)}")


def run_once(job_id: UUID) -> None:
    """One attempt, now, however it ends."""
    jobs.run_now(job_id)
    jobs.take_due(batch=1000)
    task: Any = current_app.tasks[Job.objects.get(pk=job_id).task]
    with suppress(Retry, Ignore, Exception):
        execution.run(task, Request(str(job_id)))


def _live(orders: Iterable[Order]) -> list[UUID]:
    subjects = [order.reference for order in orders]
    found = Job.objects.filter(subject__in=subjects, state__in=LIVE_STATES).order_by("created_at")
    return list(found.values_list("pk", flat=True))

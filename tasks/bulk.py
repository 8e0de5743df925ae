"""One deed of an operator on all jobs that a filter means, by batches (see `tasks.operations`).

    naive:  for job in thousands: job.retry()    minutes in a request; half done when it breaks
    here:   count ─▶ a batch's ids ─▶ one UPDATE by the rules of `tasks.jobs` ─▶ the next batch

Each batch and its entry in the audit log, with the ids that were changed, are one transaction. Run
again after a crash it goes on: what it has done is no longer in a state to which the deed applies,
and only jobs from before the deed was asked for are meant, so a job that it revived and that died
again stays dead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from tasks import audit_log, jobs
from tasks.job_filter import JobFilter
from tasks.models import LIVE_STATES, RETRYABLE_STATES, Job, JobState
from tasks.statements import SQL
from tasks.wakeup import wake_on_commit

BATCH = 500
"""Rows of one UPDATE: milliseconds, and an audit entry of 20 KB."""


class Deed(StrEnum):
    """What can be done to jobs."""

    RETRY = "retry"
    RUN_NOW = "run_now"
    CANCEL = "cancel"
    DISCARD = "discard"
    REPRIORITISE = "reprioritise"


APPLIES_TO: dict[Deed, Sequence[JobState]] = {
    Deed.RETRY: RETRYABLE_STATES,
    Deed.RUN_NOW: (JobState.SCHEDULED,),
    Deed.CANCEL: LIVE_STATES,
    Deed.DISCARD: (JobState.DEAD,),
    Deed.REPRIORITISE: LIVE_STATES,
}

STATEMENTS = {
    Deed.RETRY: "retry_many",
    Deed.RUN_NOW: "run_many_now",
    Deed.CANCEL: "cancel_many",
    Deed.DISCARD: "discard_many",
    Deed.REPRIORITISE: "reprioritise_many",
}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One deed on all jobs that a filter means, as they were at a moment."""

    deed: Deed
    filter: JobFilter
    actor: str
    asked_at: datetime
    priority: int | None = None

    def meant(self) -> QuerySet[Job]:
        """The jobs that the deed applies to now."""
        return self.filter.jobs().filter(
            state__in=APPLIES_TO[self.deed], created_at__lte=self.asked_at
        )


def carry_out(wish: Wish) -> Iterator[tuple[int, int]]:
    """Batch after batch; yields how many jobs each one looked at and how many it changed."""
    last: UUID | None = None
    while True:
        left = wish.meant().order_by("id")
        if last is not None:
            left = left.filter(id__gt=last)
        ids = list(left.values_list("id", flat=True)[:BATCH])
        if not ids:
            return
        last = ids[-1]
        yield len(ids), len(_batch(wish, ids))


def _batch(wish: Wish, ids: list[UUID]) -> list[UUID]:
    with transaction.atomic():
        changed = _many(wish, ids)
        if changed:
            audit_log.record(
                actor=wish.actor,
                action=f"job.{wish.deed}",
                subject=f"jobs:{wish.filter}"[:1100],
                details={"jobs": [str(each) for each in changed]},
            )
    if wish.deed in (Deed.RETRY, Deed.RUN_NOW):
        wake_on_commit()
    return changed


def _many(wish: Wish, ids: list[UUID]) -> list[UUID]:
    parameters = {"ids": ids, "before": wish.asked_at, "priority": wish.priority}
    try:
        with transaction.atomic():
            return [row[0] for row in SQL.fetch_all(STATEMENTS[wish.deed], parameters)]
    except IntegrityError:  # somebody enqueued a job with the unique key of one of them just now
        return [each for each in ids if one(wish.deed, each, wish.priority)]


def one(deed: Deed, job_id: UUID, priority: int | None = None) -> bool:
    """The deed on one job, by `tasks.jobs`; whether it happened."""
    match deed:
        case Deed.RETRY:
            return jobs.retry(job_id)
        case Deed.RUN_NOW:
            return jobs.run_now(job_id)
        case Deed.CANCEL:
            return jobs.cancel(job_id)
        case Deed.DISCARD:
            return jobs.discard(job_id)
        case Deed.REPRIORITISE:
            return jobs.reprioritise(job_id, priority=-1 if priority is None else priority)


def as_arguments(wish: Wish) -> dict[str, Any]:
    """Of the task `jobs.bulk`."""
    return {
        "deed": wish.deed.value,
        "chosen": wish.filter.as_json(),
        "actor": wish.actor,
        "asked_at": wish.asked_at.isoformat(),
        "priority": wish.priority,
    }


def from_arguments(
    *, deed: str, chosen: dict[str, Any], actor: str, asked_at: str, priority: int | None
) -> Wish:
    return Wish(
        deed=Deed(deed),
        filter=JobFilter.from_json(chosen),
        actor=actor,
        asked_at=datetime.fromisoformat(asked_at),
        priority=priority,
    )

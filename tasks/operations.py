"""What operators do to jobs, and the record of it. Pages, admin and commands call these services.

Whoever calls has checked the permission; each service checks the job's state again, by the same
conditional UPDATE that changes it, and writes the audit log in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tasks import audit_log, jobs
from tasks.bulk import APPLIES_TO, Deed, Wish, as_arguments, carry_out, one
from tasks.job_filter import JobFilter
from tasks.tasks import bulk

AT_ONCE = 1000
"""Jobs that a request may wait for, about half a second. More are a job of their own (`jobs.bulk`),
which shows its progress and can be cancelled."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of a wish."""

    matched: int
    """Jobs that it applied to."""
    changed: int | None
    """Jobs that it changed, or None when a job is at it."""
    job_id: UUID | None = None
    """The `jobs.bulk` job that does it."""


def count(deed: Deed, chosen: JobFilter) -> int:
    """How many jobs the deed would apply to now: ask before `act_on_all`."""
    return chosen.jobs().filter(state__in=APPLIES_TO[deed]).count()


def act(
    deed: Deed, job_id: UUID, *, actor: str, reason: str = "", priority: int | None = None
) -> bool:
    """Do it to one job and record it; False when it is in no state for it, or another live job has
    its unique key. Raises ValueError for a priority out of range.
    """
    with transaction.atomic():
        happened = one(deed, job_id, priority)
        if happened:
            details = {"priority": priority} if deed == Deed.REPRIORITISE else {}
            audit_log.record(
                actor=actor,
                action=f"job.{deed}",
                subject=f"job:{job_id}",
                reason=reason,
                details=details,
            )
    return happened


def act_on_all(
    deed: Deed,
    chosen: JobFilter,
    *,
    actor: str,
    reason: str = "",
    priority: int | None = None,
    at_once: int = AT_ONCE,
) -> Answer:
    """Do it to all jobs that the filter means, and record it.

    Raises ValueError for an empty filter (say at least which states) or a bad priority.
    """
    if chosen.is_empty:
        raise ValueError("This means every job there is: give at least one condition.")
    if deed == Deed.REPRIORITISE:
        jobs.check_priority(-1 if priority is None else priority)
    wish = Wish(deed=deed, filter=chosen, actor=actor, asked_at=timezone.now(), priority=priority)
    with transaction.atomic():
        matched = wish.meant().count()
        job_id = UUID(bulk.delay(**as_arguments(wish)).id) if matched > at_once else None
        audit_log.record(
            actor=actor,
            action=f"jobs.{deed}",
            subject=f"jobs:{chosen}"[:1100],
            reason=reason,
            details={"matched": matched, "job": str(job_id) if job_id else None},
        )
        changed = sum(done for _, done in carry_out(wish)) if job_id is None else None
    return Answer(matched=matched, changed=changed, job_id=job_id)

"""The auditor's beat job: audit, write down what was found, forget what is old."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from shop.auditor.auditing import Checked, audit
from shop.auditor.breaches import Breach
from shop.auditor.invariants import invariants
from shop.auditor.models import AuditBreach, AuditRun
from tasks.context import current_job

logger = logging.getLogger(__name__)

KEPT_BREACHES = 1_000
"""Of one run. Whoever has more needs the first ones, and `manage.py audit`."""

KEEP_DAYS = 30.0


def record_audit() -> AuditRun:
    """Ask every invariant of the shop's own and keep the answer. Must not be in a transaction.

    A job that runs it twice leaves two records, which is the truth.
    """
    started_at = timezone.now()
    first: list[Breach] = []

    def keep(breach: Breach) -> None:
        if len(first) < KEPT_BREACHES:
            first.append(breach)

    checked = audit(invariants(), on_breach=keep)
    for breach in first:
        _log(breach)
    return _write(started_at, checked, first)


def prune() -> int:
    """Delete the records of audits that are older than a month; how many."""
    before = timezone.now() - timedelta(days=KEEP_DAYS)
    AuditBreach.objects.filter(run__started_at__lt=before).delete()
    return AuditRun.objects.filter(started_at__lt=before).delete()[0]


def _log(breach: Breach) -> None:
    """Ids alone: logs go further than the database does."""
    logger.error(
        "Audit: %s is broken by %s (job %s, attempt %s)",
        breach.invariant,
        breach.subject,
        breach.job_id or "unknown",
        breach.attempt or "unknown",
    )


def _write(
    started_at: datetime, checked: Sequence[Checked], breaches: Sequence[Breach]
) -> AuditRun:
    job = current_job()
    with transaction.atomic():
        run = AuditRun.objects.create(
            job_id=job.id if job else None,
            started_at=started_at,
            finished_at=timezone.now(),
            invariants=len(checked),
            broken=sum(not each.ok for each in checked),
            breaches=sum(each.breaches for each in checked),
        )
        AuditBreach.objects.bulk_create(
            AuditBreach(
                run=run,
                invariant=breach.invariant,
                subject=breach.subject[:120],
                expected=breach.expected[:300],
                found=breach.found[:500],
                job_id=breach.job_id,
                attempt=breach.attempt,
            )
            for breach in breaches
        )
    return run

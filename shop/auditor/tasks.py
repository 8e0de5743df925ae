"""The auditor's job."""

from __future__ import annotations

from celery import shared_task

from shop.auditor import recording
from tasks.task import JobTask


@shared_task(name="shop.audit", base=JobTask, atomic=False, unique_key="shop.audit")
def audit() -> dict[str, int]:
    """Audit the whole shop and keep the answer; the result says how it stands."""
    run = recording.record_audit()
    recording.prune()
    return {"run": run.pk, "invariants": run.invariants, "breaches": run.breaches}

"""A person's word about a sync that was held.

What is approved is merged as of its own time, by a job: goods that moved since the run was held are
counted, and a row that a newer snapshot has overtaken is outdated. A row that says less than is
promised to customers stays an error. So an approval can be late, but it can't oversell.
"""

from __future__ import annotations

from django.db import transaction

from inventory import jobs, runs
from inventory.errors import NotHeld
from tasks import audit_log


def approve_run(*, run_id: int, actor: str, reason: str) -> str:
    """held → approved; the id of the job that merges it. Raises `NotHeld`.

    `actor` is as the audit log has it, `reason` a sentence of the person's (ValueError without).
    """
    with transaction.atomic():
        if not runs.approve(run_id):
            raise NotHeld(f"Sync run {run_id} is not held.")
        _record(run_id, "sync.approve", actor, reason)
        return jobs.enqueue_merge(run_id)


def reject_run(*, run_id: int, actor: str, reason: str) -> None:
    """held → rejected: nothing of it will ever be merged. Raises like `approve_run`."""
    with transaction.atomic():
        if not runs.reject(run_id, reason=reason):
            raise NotHeld(f"Sync run {run_id} is not held.")
        _record(run_id, "sync.reject", actor, reason)


def _record(run_id: int, action: str, actor: str, reason: str) -> None:
    if not reason.strip():
        raise ValueError("Say why.")
    audit_log.record(actor=actor, action=action, subject=f"sync:{run_id}", reason=reason)

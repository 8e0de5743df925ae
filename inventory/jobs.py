"""How the inventory's jobs are asked for: by the task's name, in the caller's own transaction."""

from __future__ import annotations

from celery import current_app


def enqueue_low_stock_mail(alert_ids: list[int]) -> str:
    """Ask for an e-mail about these low-stock alerts; the job's id."""
    return str(current_app.tasks["inventory.mail_low_stock"].delay(alert_ids).id)


def enqueue_sync(supplier_id: int) -> str:
    """Ask for a sync of the supplier; the job's id, that of a sync which waits or runs already."""
    return str(current_app.tasks["inventory.sync_supplier"].delay(supplier_id).id)


def enqueue_merge(run_id: int) -> str:
    """Ask for the merge of a run that was approved; the job's id."""
    return str(current_app.tasks["inventory.merge_approved"].delay(run_id).id)

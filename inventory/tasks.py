"""The inventory's tasks. Each calls one service and says how its failures are retried.

None is atomic: the services keep their transactions as short as their locks.
"""

from __future__ import annotations

from typing import Any

from celery import shared_task

from inventory import jobs, low_stock, reservations, sync
from inventory.errors import FeedInvalid, RunEnded, SupplierDisabled, SyncGoesOn
from inventory.models import Supplier, SyncRun
from tasks import mailing
from tasks.context import current_job
from tasks.locks import LockTimeout
from tasks.outcomes import Permanent
from tasks.retry import RetryPolicy
from tasks.task import JobTask

# The next scheduled sync comes anyway; until then a supplier that is down is asked now and then.
BUSY = RetryPolicy(max_attempts=50, base_s=5.0, cap_s=60.0)
SYNC = RetryPolicy(
    max_attempts=6,
    base_s=5.0,
    cap_s=300.0,
    rules={
        LockTimeout: BUSY,  # another sync of the supplier, or a crowd at one of its products
        SyncGoesOn: BUSY,
        FeedInvalid: Permanent,
        RunEnded: Permanent,
        SupplierDisabled: Permanent,
        Supplier.DoesNotExist: Permanent,
    },
)

BATCH = 500  # stocks whose expired reservations go in one transaction: some 50 ms


def subject(supplier_id: int, *_: Any, **__: Any) -> str:
    """What a sync is about."""
    return f"supplier:{supplier_id}"


def about_run(run_id: int, *_: Any, **__: Any) -> str:
    """What the merge of an approved run is about; also its key."""
    return f"sync:{run_id}"


def one_a_supplier(supplier_id: int, *_: Any, **__: Any) -> str:
    """Whoever asks for a sync while one waits or runs gets that one."""
    return f"supplier:{supplier_id}:sync"


@shared_task(
    name="inventory.sync_supplier",
    base=JobTask,
    atomic=False,
    retry_policy=SYNC,
    subject=subject,
    unique_key=one_a_supplier,
)
def sync_supplier(supplier_id: int) -> dict[str, int | str]:
    """Merge a supplier's feed into the stock. The result says what became of its rows."""
    return _outcome(sync.sync_supplier(supplier_id=supplier_id))


@shared_task(
    name="inventory.merge_approved",
    base=JobTask,
    atomic=False,
    retry_policy=SYNC,
    subject=about_run,
    unique_key=about_run,
)
def merge_approved(run_id: int) -> dict[str, int | str]:
    """Merge a sync that was held and that a person has approved."""
    return _outcome(sync.merge_approved(run_id=run_id))


def _outcome(run: SyncRun) -> dict[str, int | str]:
    return {
        "run": run.pk,
        "state": run.state,
        "added": run.added,
        "changed": run.changed,
        "unchanged": run.unchanged,
        "outdated": run.outdated,
        "failed": run.failed,
    }


@shared_task(name="inventory.sync_all_suppliers", base=JobTask)
def sync_all_suppliers() -> int:
    """Ask for a sync of every enabled supplier; how many those are. For the schedule."""
    suppliers = Supplier.objects.filter(is_enabled=True).values_list("pk", flat=True)
    return len([jobs.enqueue_sync(supplier_id) for supplier_id in suppliers])


@shared_task(
    name="inventory.release_expired_reservations",
    base=JobTask,
    atomic=False,
    unique_key="inventory.release_expired_reservations",
)
def release_expired_reservations() -> int:
    """Tidy up expired reservations; how many. Nothing depends on it: expired ones don't count."""
    released = 0
    while gone := reservations.release_expired(limit=BATCH):
        released += gone
        if job := current_job():
            job.progress(done=released, note="reservations released")
    return released


@shared_task(name="inventory.look_for_low_stock", base=JobTask)
def look_for_low_stock() -> int:
    """Note the products that have run low, once for each crossing; how many. For the schedule."""
    return low_stock.look()


@shared_task(
    name="inventory.mail_low_stock", base=JobTask, atomic=False, retry_policy=mailing.POLICY
)
def mail_low_stock(alert_ids: list[int]) -> None:
    """Tell the people who order supplies about these alerts."""
    low_stock.mail(alert_ids=alert_ids)

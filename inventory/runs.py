"""The record of a sync: every write of it, each one conditional.

running ─▶ done
   └─────▶ failed (the feed, a lock, a person; or nobody came back for it)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from inventory.errors import RunEnded
from inventory.feeds import BadRow
from inventory.models import Supplier, SyncRowError, SyncRun
from inventory.movements import current_job_id

MAX_ROW_ERRORS = 1000  # kept for a run; somebody who has read so many knows what is wrong

State = SyncRun.State


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What was done with some rows; bad ones are counted apart."""

    rows: int
    changed: int = 0
    unchanged: int = 0
    outdated: int = 0


def start(supplier: Supplier) -> SyncRun:
    """A new run. Call it alone (under the supplier's lock): runs left behind are ended here."""
    with transaction.atomic():
        SyncRun.objects.filter(supplier=supplier, state=State.RUNNING).update(
            state=State.FAILED, finished_at=Now(), error="Its worker stopped before the end."
        )
        return SyncRun.objects.create(supplier=supplier, job_id=current_job_id())


def expect(run: SyncRun, *, rows_total: int) -> None:
    """Note about how many rows there will be."""
    SyncRun.objects.filter(pk=run.pk, state=State.RUNNING).update(rows_total=rows_total)


def advance(run: SyncRun, tally: Tally, bad: Sequence[BadRow]) -> None:
    """Count what was done, in the transaction that did it. Raises `RunEnded`."""
    running = SyncRun.objects.select_for_update(no_key=True).filter(pk=run.pk, state=State.RUNNING)
    failed = running.values_list("failed", flat=True).first()
    if failed is None:
        raise RunEnded(f"Sync run {run.pk} was ended by somebody else.")
    SyncRun.objects.filter(pk=run.pk).update(
        rows_done=F("rows_done") + tally.rows,
        changed=F("changed") + tally.changed,
        unchanged=F("unchanged") + tally.unchanged,
        outdated=F("outdated") + tally.outdated,
        failed=F("failed") + len(bad),
    )
    SyncRowError.objects.bulk_create(
        SyncRowError(run=run, line=row.line, sku=row.sku, reason=row.reason[:300])
        for row in bad[: max(0, MAX_ROW_ERRORS - failed)]
    )


def finish(run: SyncRun) -> bool:
    """The feed was read to its end. False: somebody else had ended the run."""
    return _end(run, state=State.DONE, rows_total=F("rows_done"))


def fail(run: SyncRun, *, error: str) -> bool:
    """It stopped before the end; what was merged stays merged."""
    return _end(run, state=State.FAILED, error=error.replace("\0", "")[:2000])


def _end(run: SyncRun, **values: object) -> bool:
    running = SyncRun.objects.filter(pk=run.pk, state=State.RUNNING)
    return bool(running.update(finished_at=Now(), **values))

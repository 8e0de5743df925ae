"""The record of a sync: every write of it, each one conditional.

running ─▶ done
   │ └───▶ failed (the feed; or nobody came back for it)
   └─────▶ held ─▶ approved ─▶ running …
             └───▶ rejected

Whoever starts a run or goes on with it raises its epoch, and only the newest epoch may write. So a
worker that lost the supplier's lock and doesn't know it learns so from its next statement, and its
transaction rolls back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from inventory.errors import RunEnded, SyncGoesOn
from inventory.models import Supplier, SyncRow, SyncRowError, SyncRun
from inventory.movements import current_job_id
from inventory.policy import Plan
from tasks.models import LIVE_STATES, Job

MAX_ROW_ERRORS = 1000  # kept for a run; somebody who has read so many knows what is wrong

State = SyncRun.State
Phase = SyncRun.Phase


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What was done with the rows up to the number `last`."""

    last: int
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    outdated: int = 0
    failed: int = 0


# --- starts ------------------------------------------------------------------------------------


def start(supplier: Supplier) -> SyncRun:
    """A new run, or the one that this job began and did not end. Call it under the supplier's lock.

    Raises `SyncGoesOn` while another job, that is still to come back, is at a run.
    """
    with transaction.atomic():
        left = _left_behind(supplier.pk)
        if left is not None:
            return _go_on(left)
        return SyncRun.objects.create(supplier=supplier, job_id=current_job_id())


def start_approved(run_id: int) -> SyncRun:
    """approved → running, or on with it. Call it under the supplier's lock.

    Raises `SyncGoesOn`, `RunEnded` for a run that isn't to be merged.
    """
    with transaction.atomic():
        run = SyncRun.objects.select_for_update(no_key=True).get(pk=run_id)
        left = _left_behind(run.supplier_id)
        if left is not None and left.pk == run.pk:
            return _go_on(left)
        if left is not None:
            raise SyncGoesOn(f"Run {left.pk} of the supplier has not ended.")
        if run.state != State.APPROVED:
            raise RunEnded(f"Sync run {run_id} is {run.state}.")
        return _go_on(run)


def _left_behind(supplier_id: int) -> SyncRun | None:
    """The supplier's running run, for whom it concerns; one whose job is gone is ended."""
    running = SyncRun.objects.select_for_update(no_key=True).filter(
        supplier_id=supplier_id, state=State.RUNNING
    )
    left = running.first()
    if left is None or left.job_id == current_job_id():
        return left
    if _is_live(left.job_id):
        raise SyncGoesOn(f"Run {left.pk} of the supplier has not ended; job {left.job_id} does it.")
    running.update(
        state=State.FAILED, finished_at=Now(), error="Its worker stopped before the end."
    )
    return None


def _is_live(job_id: UUID | None) -> bool:
    return job_id is not None and Job.objects.filter(pk=job_id, state__in=LIVE_STATES).exists()


def _go_on(run: SyncRun) -> SyncRun:
    SyncRun.objects.filter(pk=run.pk).update(
        state=State.RUNNING, epoch=F("epoch") + 1, job_id=current_job_id()
    )
    run.refresh_from_db()
    return run


# --- on its way: whoever is not at the newest epoch gets `RunEnded` ------------------------------


def stage_anew(run: SyncRun) -> None:
    """What was fetched before, if anything, doesn't count."""
    _write(run, rows_staged=0)


def expect(run: SyncRun, *, rows_total: int) -> None:
    """Note about how many rows there will be."""
    _write(run, rows_total=rows_total)


def stage(run: SyncRun, *, rows: int) -> None:
    """Count rows, in the transaction that keeps them and before they are written."""
    _write(run, rows_staged=F("rows_staged") + rows)


def fetched(run: SyncRun) -> None:
    """fetch → check: all rows are kept."""
    _write(run, phase=Phase.CHECK, rows_total=F("rows_staged"))


def lock(run: SyncRun) -> None:
    """Nobody else goes on with it until the transaction ends."""
    if not _mine(run).select_for_update(no_key=True).exists():
        raise RunEnded(f"Sync run {run.pk} was ended, or gone on with, by somebody else.")


def checked(run: SyncRun, plan: Plan) -> None:
    """check → merge."""
    _write(run, phase=Phase.MERGE, plan=asdict(plan), failed=plan.bad)


def hold(run: SyncRun, plan: Plan, problems: Sequence[str]) -> None:
    """running → held, to be merged when a person approves it."""
    _write(
        run,
        state=State.HELD,
        phase=Phase.MERGE,
        plan=asdict(plan),
        failed=plan.bad,
        problems=list(problems),
    )


def advance(run: SyncRun, tally: Tally) -> None:
    """Count what was done, in the transaction that did it."""
    _write(
        run,
        Q(rows_done=run.rows_done),
        rows_done=tally.last,
        added=F("added") + tally.added,
        changed=F("changed") + tally.changed,
        unchanged=F("unchanged") + tally.unchanged,
        outdated=F("outdated") + tally.outdated,
        failed=F("failed") + tally.failed,
    )


def keep_errors(run: SyncRun, rows: QuerySet[SyncRow]) -> None:
    """Keep the errors of these rows, the first ones if there are many, for as long as the run."""
    room = MAX_ROW_ERRORS - SyncRowError.objects.filter(run=run).count()
    if room > 0:
        found = rows.order_by("number").values_list("line", "sku", "error")[:room]
        SyncRowError.objects.bulk_create(
            SyncRowError(run=run, line=line, sku=sku, reason=error) for line, sku, error in found
        )


def _mine(run: SyncRun) -> QuerySet[SyncRun]:
    return SyncRun.objects.filter(pk=run.pk, state=State.RUNNING, epoch=run.epoch)


def _write(run: SyncRun, also: Q | None = None, **values: object) -> None:
    if not _mine(run).filter(also or Q()).update(**values):
        raise RunEnded(f"Sync run {run.pk} was ended, or gone on with, by somebody else.")


# --- ends ----------------------------------------------------------------------------------------


def finish(run: SyncRun) -> None:
    """running → done: every row was merged or refused."""
    _write(run, Q(rows_done=F("rows_total")), state=State.DONE, finished_at=Now())


def fail(run: SyncRun, *, error: str) -> bool:
    """running → failed; what was merged stays merged. False: somebody else had ended it."""
    text = error.replace("\0", "")[:2000]
    return bool(_mine(run).update(state=State.FAILED, finished_at=Now(), error=text))


def approve(run_id: int) -> bool:
    """held → approved."""
    return bool(SyncRun.objects.filter(pk=run_id, state=State.HELD).update(state=State.APPROVED))


def reject(run_id: int, *, reason: str) -> bool:
    """held → rejected."""
    return bool(
        SyncRun.objects.filter(pk=run_id, state=State.HELD).update(
            state=State.REJECTED, finished_at=Now(), error=reason
        )
    )

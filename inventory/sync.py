"""A supplier's sync: fetch the feed, check what it would do, merge it chunk by chunk.

    fetch ──all rows kept──▶ check ──nothing suspicious──▶ merge ──last row──▶ done
                               └──▶ held ──a person approves──▶ merge

A sync may die anywhere. Whoever goes on with the run begins at its phase and, in the last, after
its last committed chunk, so nothing that was fetched is fetched again. Two syncs of a supplier
never run together: by a lock of their own, and should that be lost, by the run's epoch.

What was merged in between doesn't matter, nor how late a run comes to its end: rows are merged as
of their own time (`inventory.snapshots`).
"""

from __future__ import annotations

from inventory import checking, runs, staging
from inventory.conf import conf
from inventory.errors import FeedError, SupplierDisabled
from inventory.feeds import open_feed
from inventory.guard import holding
from inventory.merging import merge_chunk
from inventory.models import Supplier, SyncRun
from inventory.progress import Considerate, Tell, tell_the_job
from inventory.runs import Phase, State
from tasks.outcomes import Cancel


def sync_supplier(*, supplier_id: int, tell: Tell = tell_the_job) -> SyncRun:
    """Merge the supplier's feed into the stock; returns the run, done or held. Must not be in a
    transaction.

    Bad rows are reported in the run and the rest is merged, unless there are too many. Raises
    `SupplierDisabled`, `Supplier.DoesNotExist`; `LockTimeout` and `SyncGoesOn` when another sync of
    the supplier is under way; with the run recorded as failed `FeedUnavailable` and `FeedInvalid`.
    After the errors of the locks, or any other, the run waits for its job's next attempt.
    """
    supplier = Supplier.objects.get(pk=supplier_id)
    if not supplier.is_enabled:
        raise SupplierDisabled(f"{supplier} is switched off.")
    with holding([f"supplier:{supplier_id}"], wait_s=0):
        return _go_on(runs.start(supplier), supplier, tell)


def merge_approved(*, run_id: int, tell: Tell = tell_the_job) -> SyncRun:
    """Merge a held run that was approved, as its rows count by now. Raises like `sync_supplier`,
    and `RunEnded` when it isn't approved."""
    supplier = Supplier.objects.get(runs=run_id)
    with holding([f"supplier:{supplier.pk}"], wait_s=0):
        return _go_on(runs.start_approved(run_id), supplier, tell)


def _go_on(run: SyncRun, supplier: Supplier, tell: Tell) -> SyncRun:
    try:
        if run.phase == Phase.FETCH:
            _fetch(run, supplier, tell)
        if run.phase == Phase.CHECK:
            tell(Phase.CHECK, 0, run.rows_staged)
            checking.check(run, supplier)
            run.refresh_from_db()
        if run.state == State.RUNNING:
            _merge(run, tell)
            runs.finish(run)
            run.refresh_from_db()
    except (FeedError, Cancel) as error:
        runs.fail(run, error=f"{type(error).__name__}: {error}")
        raise
    staging.forget_old(supplier)
    return run


def _fetch(run: SyncRun, supplier: Supplier, tell: Tell) -> None:
    tell(Phase.FETCH, 0, 0)
    with open_feed(supplier.feed_url, supplier.feed_format) as feed:
        staging.stage(feed, run, tell)
    run.refresh_from_db()


def _merge(run: SyncRun, tell: Tell) -> None:
    total = run.rows_staged
    considerate = Considerate()
    while run.rows_done < total:
        tell(Phase.MERGE, run.rows_done, total)
        considerate.step_aside()
        merge_chunk(run, last=min(run.rows_done + conf().chunk_rows, total))
    tell(Phase.MERGE, total, total)

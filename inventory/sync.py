"""A supplier's sync: read the feed, merge it chunk by chunk, keep a record.

Two syncs of a supplier never run together, by a lock of their own. One that dies leaves a run that
the next one ends; merging is harmless to repeat (`inventory.snapshots`), so the next starts over.
"""

from __future__ import annotations

from itertools import islice

from inventory import runs
from inventory.errors import SupplierDisabled
from inventory.feeds import Feed, open_feed, save_marks
from inventory.guard import holding
from inventory.merging import merge_chunk, sort_out
from inventory.models import Supplier, SyncRun
from tasks.context import current_job

# Rows merged under one set of locks: large enough for set-based SQL to pay, small enough that a
# checkout of one of the products waits for some 50 ms only.
CHUNK = 500


def sync_supplier(*, supplier_id: int) -> SyncRun:
    """Merge the supplier's feed into the stock; returns the run. Must not be in a transaction.

    Bad rows are reported in the run and the rest is merged. Raises `SupplierDisabled`,
    `Supplier.DoesNotExist`, `LockTimeout` when a sync of the supplier is running, and, with the run
    recorded as failed, `FeedUnavailable`, `FeedInvalid` and the errors of the locks.
    """
    supplier = Supplier.objects.get(pk=supplier_id)
    if not supplier.is_enabled:
        raise SupplierDisabled(f"{supplier} is switched off.")
    with holding([f"supplier:{supplier_id}"], wait_s=0):
        run = runs.start(supplier)
        try:
            with open_feed(supplier) as feed:
                _merge(feed, run)
        except BaseException as error:
            runs.fail(run, error=f"{type(error).__name__}: {error}")
            raise
        if runs.finish(run):
            save_marks(supplier, feed.marks)
    run.refresh_from_db()
    return run


def _merge(feed: Feed, run: SyncRun) -> None:
    runs.expect(run, rows_total=feed.total)
    seen: dict[str, int] = {}
    done = 0
    while rows := list(islice(feed.rows, CHUNK)):
        _progress(done, feed.total)
        merge_chunk(sort_out(rows, seen=seen), run=run)
        done += len(rows)
    _progress(done, done)


def _progress(done: int, total: int) -> None:
    """Tell the job how far it is; here it also learns that it was cancelled or superseded."""
    if job := current_job():
        job.progress(done=done, total=max(done, total), note="rows merged")

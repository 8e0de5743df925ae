"""Suppliers whose feed is a file of the test's, and short ways through a sync."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from celery import current_app
from django.utils import timezone

from inventory import checking, runs, staging
from inventory.feeds import open_feed
from inventory.jobs import enqueue_sync
from inventory.models import Supplier, SyncRun
from inventory.progress import tell_the_job
from inventory.sync import sync_supplier
from tasks.models import Job

Line = tuple[str, object, datetime | None]

TRUSTED = {
    "max_drop_percent": 100,
    "max_zeroed_percent": 100,
    "max_bad_percent": 100,
    "max_below_reserved": 1000,
}
"""Limits under which nothing is held."""


def supplier(folder: Path, **values: Any) -> Supplier:
    return Supplier.objects.create(
        **{"name": "acme", "feed_url": (folder / "feed.csv").as_uri(), **values}
    )


def feed(supplier: Supplier, *lines: Line) -> None:
    """What the supplier says next."""
    text = "sku,quantity,as_of\n" + "".join(
        f"{sku},{quantity},{as_of.isoformat() if as_of else ''}\n" for sku, quantity, as_of in lines
    )
    Path(supplier.feed_url.removeprefix("file://")).write_text(text)


def run_sync(supplier: Supplier) -> SyncRun:
    return sync_supplier(supplier_id=supplier.pk)


def fetched(supplier: Supplier) -> SyncRun:
    """A run whose rows are kept and not looked at yet."""
    run = runs.start(supplier)
    with open_feed(supplier.feed_url, supplier.feed_format) as opened:
        staging.stage(opened, run, tell_the_job)
    run.refresh_from_db()
    return run


def checked(supplier: Supplier) -> SyncRun:
    """A run that is about to merge its first chunk, or held."""
    run = fetched(supplier)
    checking.check(run, supplier)
    run.refresh_from_db()
    return run


def errors(run: SyncRun) -> list[tuple[int, str, str]]:
    return list(run.row_errors.values_list("line", "sku", "reason"))


def now() -> datetime:
    """As PostgreSQL keeps it; what moves afterwards is later."""
    return timezone.now()


def job_of(supplier: Supplier) -> Job:
    """A sync of the supplier that waits."""
    return Job.objects.get(pk=enqueue_sync(supplier.pk))


def waiting_checkout(*, for_s: float) -> Job:
    """A job of the queue `checkout` that has been due for so long."""
    made = current_app.tasks["inventory.release_expired_reservations"].apply_async(
        queue="checkout", eta=timezone.now() - timedelta(seconds=for_s)
    )
    return Job.objects.get(pk=made.id)

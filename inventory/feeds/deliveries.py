"""What suppliers handed to us: which is next, and what became of it. Every write of a delivery.

Each sync reads the oldest one that waits. When that is settled and another waits, a job for the
next one is enqueued in the same transaction.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now

from inventory import jobs
from inventory.errors import FeedInvalid, FeedUnavailable
from inventory.feeds import files
from inventory.feeds.source import Source, Spool
from inventory.models import Delivery, Supplier

State = Delivery.State


@dataclass(frozen=True, kw_only=True)
class Picked:
    """The delivery to read, maybe not yet written down."""

    delivery: Delivery
    file: files.Dropped | None = None


def next_of(supplier: Supplier) -> Picked | None:
    """The oldest that waits. Raises `FeedInvalid` and `FeedUnavailable` for a folder."""
    if supplier.kind == Supplier.Kind.PUSH:
        waiting = supplier.deliveries.filter(kind=Delivery.Kind.PUSH, state=State.WAITING)
        delivery = waiting.defer("body").order_by("pk").first()
        return Picked(delivery=delivery) if delivery else None
    found = files.dropped(files.folder_of(supplier.folder), supplier.pattern)
    written = supplier.deliveries.filter(
        kind=Delivery.Kind.FILE, key__in=[file.key for file in found]
    )
    known = {delivery.key: delivery for delivery in written}
    for file in found:
        delivery = known.get(file.key) or _of_file(supplier, file)
        if delivery.state == State.WAITING:
            return Picked(delivery=delivery, file=file)
    return None


def write_down(picked: Picked) -> None:
    """Remember a file before it is read."""
    if picked.delivery._state.adding:
        picked.delivery.save()


def read(picked: Picked, spool: Spool) -> Source:
    """Its bytes. Raises `FeedInvalid`, also when it was cut off: nothing more of it will come."""
    if picked.file is None:
        body = bytes(picked.delivery.body or b"")
        return _kept(picked, [body], spool, is_whole=True)  # its signature is right
    with files.opened(picked.file) as file:
        return _kept(picked, iter(lambda: file.read(2**18), b""), spool, is_whole=False)


def _kept(picked: Picked, chunks: Iterable[bytes], spool: Spool, *, is_whole: bool) -> Source:
    try:
        place = spool.keep(chunks)
    except FeedUnavailable as error:
        raise FeedInvalid(str(error)) from error
    return spool.source(place, as_of=picked.delivery.as_of, is_whole=is_whole)


def settle_merged(delivery_id: int) -> bool:
    """It was read to its end; what was pushed is no longer needed."""
    return _settle(delivery_id, state=State.MERGED, body=None)


def read_again(delivery_id: int) -> bool:
    """One that was refused waits again: the supplier's settings may have been what was wrong."""
    with transaction.atomic():
        refused = Delivery.objects.filter(pk=delivery_id, state=State.REFUSED)
        if not refused.update(state=State.WAITING, settled_at=None, error=""):
            return False
        delivery = Delivery.objects.only("supplier_id", "key").get(pk=delivery_id)
        jobs.enqueue_sync_of_delivery(delivery.supplier_id, delivery.key)
        return True


def prune(*, before: datetime) -> int:
    """Delete pushes that were settled before; how many. A push so old is refused by its timestamp,
    while a file may still lie in its folder and must stay known."""
    old = Delivery.objects.filter(kind=Delivery.Kind.PUSH, settled_at__lt=before)
    return old.exclude(state=State.WAITING).delete()[0]


@contextmanager
def refusing(delivery: Delivery) -> Iterator[None]:
    """Refuse it when the block finds that it is no feed, so that those behind it go on."""
    try:
        yield
    except FeedInvalid as error:
        _settle(delivery.pk, state=State.REFUSED, error=str(error).replace("\0", "")[:2000])
        raise


def _settle(delivery_id: int, **values: object) -> bool:
    """Only one that waits; and let the next be read. Must be called under the supplier's lock."""
    with transaction.atomic():
        waiting = Delivery.objects.filter(pk=delivery_id, state=State.WAITING)
        if not waiting.update(settled_at=Now(), **values):
            return False
        _ask_for_next(Delivery.objects.select_related("supplier").get(pk=delivery_id).supplier)
        return True


def _ask_for_next(supplier: Supplier) -> None:
    try:
        picked = next_of(supplier)
    except (FeedInvalid, FeedUnavailable):
        return  # the next sync by the clock will say so
    if picked:
        jobs.enqueue_sync_of_delivery(supplier.pk, picked.delivery.key)


def _of_file(supplier: Supplier, file: files.Dropped) -> Delivery:
    return Delivery(
        supplier=supplier,
        kind=Delivery.Kind.FILE,
        key=file.key,
        name=os.fsencode(file.path.name).decode("utf-8", "replace"),
        feed_format=supplier.feed_format,
        size=file.size,
        as_of=file.as_of,
    )

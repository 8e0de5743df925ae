"""Suppliers' feeds: from an address, a folder or a push to rows, each of use or not.

    with open_feed(supplier) as feed:
        for row in feed.rows:   # FeedRow or BadRow
            …
    save_marks(supplier, feed.marks)   # once all of it is merged: ask only for news from now on

A row that makes no sense spoils only itself; what is no feed at all raises `FeedInvalid`, and one
that can't be had now `FeedUnavailable`. Whatever comes, memory stays small.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

from django.utils import timezone

from inventory.errors import FeedUnavailable
from inventory.feeds import deliveries, files, marks, web
from inventory.feeds.documents import Document, read_document
from inventory.feeds.limits import SYNC, Limits
from inventory.feeds.marks import Marks
from inventory.feeds.rows import BadRow, FeedRow, Reading
from inventory.feeds.source import Spool, spooling
from inventory.models import Supplier

__all__ = ["BadRow", "Feed", "FeedRow", "Marks", "open_feed", "save_marks", "try_feed"]


@dataclass(frozen=True, kw_only=True)
class Feed:
    """An opened feed: its rows, to be read once, and about how many they are."""

    rows: Iterator[FeedRow | BadRow] = field(default_factory=lambda: iter(()))
    total: int = 0
    not_modified: bool = False
    """Nothing has changed since what `save_marks` kept, or nothing has come. There are no rows."""
    marks: Marks | None = None
    """For `save_marks` when the run ended well."""


@contextmanager
def open_feed(supplier: Supplier) -> Iterator[Feed]:
    """What is new from the supplier. Call it under the supplier's lock.

    Raises `FeedUnavailable`, `FeedInvalid`; so do the rows. A file or push that turns out to be no
    feed is refused, so that the next sync reads the one behind it.
    """
    now = timezone.now()
    with spooling(limit=SYNC.bytes) as spool:
        if supplier.kind == Supplier.Kind.WEB:
            with _from_address(supplier, marks.known(supplier, now=now), spool, SYNC) as feed:
                yield feed
            return
        picked = deliveries.next_of(supplier)
        if picked is None:
            yield Feed(not_modified=True)
            return
        deliveries.write_down(picked)
        with deliveries.refusing(picked.delivery), _delivered(supplier, picked, spool) as feed:
            yield feed


@contextmanager
def try_feed(supplier: Supplier, limits: Limits) -> Iterator[Feed]:
    """The whole feed, to look at: nothing is remembered and nothing is refused. Raises as above."""
    with spooling(limit=limits.bytes) as spool:
        if supplier.kind == Supplier.Kind.WEB:
            with _from_address(supplier, Marks(), spool, limits) as feed:
                yield feed
            return
        picked = deliveries.next_of(supplier)
        if picked is None:
            raise FeedUnavailable("Nothing has come that was not read already.")
        with _delivered(supplier, picked, spool) as feed:
            yield feed


def save_marks(supplier: Supplier, read: Marks | None) -> None:
    """Remember what was read. Call it under the supplier's lock, when all of it is merged."""
    if read is None:
        return
    if read.delivery_id is not None:
        deliveries.settle_merged(read.delivery_id)
    else:
        marks.keep(supplier, read, now=timezone.now())


@contextmanager
def _from_address(supplier: Supplier, known: Marks, spool: Spool, limits: Limits) -> Iterator[Feed]:
    reading = Reading.of(supplier, now=timezone.now())
    read = partial(read_document, feed_format=supplier.feed_format, reading=reading)
    if supplier.feed_url.lower().startswith(("http:", "https:")):
        fetched = web.fetch(supplier, known, spool, limits, read)
        if fetched.marks is None:
            yield Feed(not_modified=True)
            return
        documents, new = fetched.documents, fetched.marks
    else:
        with files.opened_address(supplier.feed_url) as (file, as_of):
            place = spool.keep(iter(lambda: file.read(2**18), b""))
        documents = [read(spool.source(place, as_of=as_of, is_whole=False))]
        new = Marks(settings=known.settings)
    with _feed(documents, new) as feed:
        yield feed


@contextmanager
def _delivered(supplier: Supplier, picked: deliveries.Picked, spool: Spool) -> Iterator[Feed]:
    source = deliveries.read(picked, spool)
    reading = Reading.of(supplier, now=timezone.now())
    document = read_document(source, picked.delivery.feed_format, reading)
    with _feed([document], Marks(delivery_id=picked.delivery.pk)) as feed:
        yield feed


@contextmanager
def _feed(documents: list[Document], new: Marks) -> Iterator[Feed]:
    # Whoever stops in the middle must not leave a reader behind that has lost its file.
    with closing(_rows(documents)) as rows:
        yield Feed(rows=rows, total=sum(map(len, documents)), marks=new)


def _rows(documents: list[Document]) -> Generator[FeedRow | BadRow, None, None]:
    first = 1
    for document in documents:
        yield from document.rows(first)
        first += len(document)

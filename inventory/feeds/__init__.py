"""Suppliers' feeds: from an address to rows that can be used and rows that can't.

    with open_feed("https://…/stock.csv", "csv") as feed:
        for row in feed.rows:   # FeedRow or BadRow

A row that makes no sense spoils only itself; what is no feed at all raises `FeedInvalid`, and one
that can't be had now `FeedUnavailable`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO

from django.utils import timezone

from inventory.errors import FeedInvalid
from inventory.feeds.csv_rows import count_rows, read_csv
from inventory.feeds.json_rows import JsonFeed
from inventory.feeds.rows import BadRow, FeedRow
from inventory.feeds.source import fetched
from inventory.models import Supplier

__all__ = ["BadRow", "Feed", "FeedRow", "open_feed"]


NO_TEXT = (b"\xff\xfe", b"\xfe\xff", b"PK")
"""How UTF-16, and the zip archives that spreadsheets are, begin."""


@dataclass(frozen=True)
class Feed:
    """An opened feed: its rows, to be read once, and about how many they are."""

    rows: Iterator[FeedRow | BadRow]
    total: int


@contextmanager
def open_feed(url: str, feed_format: str) -> Iterator[Feed]:
    """The feed at an http, https or file address. Raises `FeedUnavailable`, `FeedInvalid`."""
    with fetched(url) as source:
        _check_start(source.file)
        now = timezone.now()
        if feed_format == Supplier.Format.JSON:
            feed = JsonFeed(source.file, as_of=source.as_of, now=now)
            yield Feed(iter(feed), len(feed))
        else:
            total = count_rows(source.file)
            # Whoever stops in the middle must not leave a reader behind that has lost its file.
            with closing(read_csv(source.file, as_of=source.as_of, now=now)) as rows:
                yield Feed(rows, total)


def _check_start(file: IO[bytes]) -> None:
    """A web server that says 200 and sends an error page is the commonest broken feed."""
    start = file.read(512).removeprefix(b"\xef\xbb\xbf").lstrip()
    file.seek(0)
    if not start:
        raise FeedInvalid("The feed is empty.")
    if start.startswith(b"<"):
        raise FeedInvalid("The feed is an HTML or XML page.")
    if start.startswith(NO_TEXT):
        raise FeedInvalid("The feed is not UTF-8 text; is it UTF-16, or a spreadsheet?")

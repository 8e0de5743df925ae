"""From a document's bytes to its rows, whatever its format."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from inventory.errors import FeedInvalid
from inventory.feeds.csv_rows import CsvDocument
from inventory.feeds.json_rows import JsonDocument
from inventory.feeds.rows import BadRow, FeedRow, Reading
from inventory.feeds.source import Source
from inventory.models import Supplier

NO_TEXT = (b"\xff\xfe", b"\xfe\xff", b"PK")
"""How UTF-16, and the zip archives that spreadsheets are, begin."""


class Document(Protocol):
    @property
    def next_url(self) -> str:
        """Where the next page is, or nothing."""

    @property
    def cursor(self) -> str:
        """What to ask for the next time, or nothing."""

    def __len__(self) -> int: ...

    def rows(self, first: int = 1) -> Generator[FeedRow | BadRow, None, None]: ...


def read_document(source: Source, feed_format: str, reading: Reading) -> Document:
    """Raises `FeedInvalid` for what is no feed at all."""
    _check_start(source)
    if feed_format == Supplier.Format.JSON:
        return JsonDocument(source, reading)
    return CsvDocument(source, reading)


def _check_start(source: Source) -> None:
    """A web server that says 200 and sends an error page is the commonest broken feed."""
    start = source.reader().read(512).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise FeedInvalid("The feed is empty.")
    if start.startswith(b"<"):
        raise FeedInvalid("The feed is an HTML or XML page.")
    if start.startswith(NO_TEXT):
        raise FeedInvalid("The feed is not UTF-8 text; is it UTF-16, or a spreadsheet?")

"""Rows of a CSV feed: a header with `sku` and `quantity` (or `on_hand`), maybe `as_of`."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from typing import IO, Self

from inventory.errors import FeedInvalid
from inventory.feeds.rows import BadRow, FeedRow, read_row

ALIASES = {"on_hand": "quantity"}
REQUIRED = ("sku", "quantity")
DELIMITERS = ",;\t"
MAX_LINE = 100_000  # characters; a row with a long description has a few thousand


def count_rows(file: IO[bytes]) -> int:
    """About how many rows there are (lines but the header); for progress."""
    lines = sum(block.count(b"\n") for block in iter(lambda: file.read(2**20), b""))
    file.seek(0)
    return max(0, lines - 1)


def read_csv(
    file: IO[bytes], *, as_of: datetime, now: datetime
) -> Generator[FeedRow | BadRow, None, None]:
    """The rows, one by one. Raises `FeedInvalid` when the header is missing something."""
    # Bytes that are no UTF-8 become surrogates, so that they spoil only their own row.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        records = _records(text, _delimiter(text))
        columns = _columns(next(records, (0, []))[1])
        for line, values in records:
            if isinstance(values, str):
                yield BadRow(line, "", values)
            elif values:
                fields = dict(zip(columns, values, strict=False))  # a short row lacks fields
                yield read_row(line, fields, as_of=as_of, now=now)
    finally:
        text.detach()  # the file is its opener's to close


class _Lines:
    """The text's lines, numbered. A monstrous one is skipped and raises `csv.Error`."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.number = 0
        self._text = text

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == MAX_LINE and not line.endswith("\n"):
            while (rest := self._text.readline(MAX_LINE)) and not rest.endswith("\n"):
                pass
            raise csv.Error(f"line has more than {MAX_LINE:,} characters")
        return line


def _records(text: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, Sequence[str] | str]]:
    """Line number and values, or what is wrong with the record; a blank line has no values."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first = lines.number + 1
        try:
            yield first, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield first, f"not CSV: {error}"


def _delimiter(text: io.TextIOWrapper) -> str:
    header = text.readline(10_000)
    text.seek(0)
    return max(DELIMITERS, key=header.count)


def _columns(header: Sequence[str] | str) -> list[str]:
    if isinstance(header, str):
        raise FeedInvalid(f"The feed's header is {header}.")
    names = [name.strip().lower() for name in header]
    columns = [ALIASES.get(name, name) for name in names]
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise FeedInvalid(f"The feed has no column {' and no column '.join(missing)}.")
    twice = sorted({name for name in columns if columns.count(name) > 1 and name in REQUIRED})
    if twice:
        raise FeedInvalid(f"The feed has two columns {' and '.join(twice)}.")
    return columns

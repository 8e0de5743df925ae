"""Rows of a CSV feed: a header that names a SKU and a quantity, maybe a time, and their values."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator, Sequence
from typing import Self

from inventory.errors import FeedInvalid
from inventory.feeds.rows import OURS, BadRow, FeedRow, Reading
from inventory.feeds.source import Source

REQUIRED = ("sku", "quantity")
DELIMITERS = ",;\t|"
MAX_LINE = 100_000  # characters; a row with a long description has a few thousand
MAX_RECORD = 1_000_000  # characters of a row whose quoted fields go over many lines
ENDS = ("\n", "\r")
CUT_OFF = "the last line doesn't end; was the file cut off?"


class CsvDocument:
    """A CSV document. Its header is looked at when the rows are read."""

    next_url = ""
    cursor = ""

    def __init__(self, source: Source, reading: Reading) -> None:
        self._source = source
        self._reading = reading
        self._count, self._is_cut = _count_rows(source)

    def __len__(self) -> int:
        return self._count

    def rows(self, first: int = 1) -> Generator[FeedRow | BadRow, None, None]:
        """The rows, one by one. Raises `FeedInvalid` when the header is missing something."""
        # Bytes that are no UTF-8 become surrogates, so that they spoil only their own row.
        text = io.TextIOWrapper(
            self._source.reader(), encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        lines = _Lines(text)
        records = _records(lines, _delimiter(text))
        header = next(records, (0, []))[1]
        for line, found in _read(records, _Header(header, self._reading), self._source):
            # A quantity of 1 may be the beginning of one of 100.
            cut = self._is_cut and lines.is_at_end and isinstance(found, FeedRow)
            yield BadRow(line, found.sku, CUT_OFF) if cut else found


def _read(
    records: Iterator[tuple[int, Sequence[str] | str]], header: _Header, source: Source
) -> Iterator[tuple[int, FeedRow | BadRow]]:
    for line, values in records:
        if isinstance(values, str):
            yield line, BadRow(line, "", values)
        elif values:
            yield line, header.row(line, values, source)


class _Header:
    """Where in a row its SKU, quantity and time are. Raises `FeedInvalid`."""

    def __init__(self, header: Sequence[str] | str, reading: Reading) -> None:
        if isinstance(header, str):
            raise FeedInvalid(f"The feed's header is {header}.")
        ours = {theirs.strip().lower(): name for theirs, name in reading.names.items()}
        names = [ours.get(name.strip().lower(), "") for name in header]
        missing = [reading.theirs(name) for name in REQUIRED if name not in names]
        if missing:
            raise FeedInvalid(f"The feed has no column {' and no column '.join(missing)}.")
        twice = [name for name in OURS if names.count(name) > 1]
        if twice:
            raise FeedInvalid(f"The feed has two columns {' and '.join(twice)}.")
        self._reading = reading
        self._width = len(names)
        self._sku, self._quantity = names.index("sku"), names.index("quantity")
        self._time = names.index("as_of") if "as_of" in names else None

    def row(self, line: int, values: Sequence[str], source: Source) -> FeedRow | BadRow:
        if len(values) != self._width and (len(values) < self._width or any(values[self._width :])):
            # Which of the values is missing or too many, nobody knows.
            return BadRow(line, "", f"{len(values)} fields where the header has {self._width}")
        own = None if self._time is None else values[self._time].strip()
        return self._reading.row(
            line, values[self._sku], values[self._quantity], own, as_of=source.as_of
        )


class _Lines:
    """The text's lines, numbered. A monstrous one is skipped and raises `csv.Error`."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.number = 0
        self.is_at_end = False
        self.record = 0
        """Characters of the row so far."""
        self._text = text

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE)
        if not line:
            self.is_at_end = True
            raise StopIteration
        self.number += 1
        self.is_at_end = not line.endswith(ENDS)
        self.record += len(line)
        if len(line) == MAX_LINE and self.is_at_end:
            while (rest := self._text.readline(MAX_LINE)) and not rest.endswith(ENDS):
                pass
            self.is_at_end = not rest
            raise csv.Error(f"line has more than {MAX_LINE:,} characters")
        if self.record > MAX_RECORD:
            raise csv.Error(f"row has more than {MAX_RECORD:,} characters; is a quote missing?")
        return line


def _records(lines: _Lines, delimiter: str) -> Iterator[tuple[int, Sequence[str] | str]]:
    """Line number and values, or what is wrong with the record; a blank line has no values."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first, lines.record = lines.number + 1, 0
        try:
            yield first, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield first, f"not CSV: {error}"


def _count_rows(source: Source) -> tuple[int, bool]:
    """About how many rows there are (lines but the header), and whether the last may be cut."""
    lines, last = 0, b""
    file = source.reader()
    for block in iter(lambda: file.read(2**20), b""):
        lines += block.count(b"\n")
        last = block[-1:]
    is_open = last not in (b"\n", b"\r")
    return max(0, lines - 1 + is_open), is_open and not source.is_whole


def _delimiter(text: io.TextIOWrapper) -> str:
    header = text.readline(10_000)
    text.seek(0)
    return max(DELIMITERS, key=header.count)

"""The bytes of a feed in a temporary file of our own, whole before anything is done with them.

So nothing is merged from a download that breaks off, no connection is held open meanwhile, and
memory stays small. A feed may be gzip-compressed, on its way or as a file. We unpack it ourselves,
since httpx takes a compressed body that was cut off for a whole one.
"""

from __future__ import annotations

import io
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import IO, Any

from inventory.errors import FeedInvalid, FeedUnavailable

GZIP = b"\x1f\x8b"
GZIP_MEMBER = 31  # zlib's word for a gzip header with the largest window
BLOCK = 2**18  # bytes unpacked at a time


@dataclass(frozen=True, kw_only=True)
class Source:
    """One document of a feed: a part of the spool's file."""

    file: IO[bytes]
    start: int
    end: int
    as_of: datetime
    """When it was true unless a row says otherwise."""
    is_whole: bool
    """Whether its way to us would have told if its end was missing."""

    def reader(self) -> io.BufferedReader:
        """Its bytes from the start. Only one reader of a spool is used at a time."""
        return io.BufferedReader(_Section(self.file, self.start, self.end), 2**16)


class Spool:
    """Keeps documents, one after the other, up to a number of bytes in all."""

    def __init__(self, file: IO[bytes], *, limit: int) -> None:
        self._file = file
        self._limit = limit

    def keep(self, chunks: Iterable[bytes]) -> tuple[int, int]:
        """Where it lies, unpacked. Raises `FeedInvalid`, and `FeedUnavailable` when cut off."""
        start = self._file.seek(0, io.SEEK_END)
        for block in _unpacked(chunks):
            self._file.write(block)
            if self._file.tell() > self._limit:
                raise FeedInvalid(f"The feed has more than {self._limit:,} bytes.")
        return start, self._file.tell()

    def source(self, place: tuple[int, int], *, as_of: datetime, is_whole: bool) -> Source:
        start, end = place
        return Source(file=self._file, start=start, end=end, as_of=as_of, is_whole=is_whole)


@contextmanager
def spooling(*, limit: int) -> Iterator[Spool]:
    with tempfile.TemporaryFile() as file:
        yield Spool(file, limit=limit)


class _Section(io.RawIOBase):
    """A window on a file, with a position of its own."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        super().__init__()
        self._file, self._start, self._end = file, start, end
        self._position = start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: self._position, io.SEEK_END: self._end}
        self._position = max(self._start, base[whence] + offset)
        return self._position - self._start

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._position)
        block = self._file.read(max(0, min(len(buffer), self._end - self._position)))
        buffer[: len(block)] = block
        self._position += len(block)
        return len(block)


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = iter(chunks)
    start = b""
    while len(start) < len(GZIP) and (chunk := next(rest, None)) is not None:
        start += chunk
    whole = chain([start], rest)
    return _inflated(whole) if start.startswith(GZIP) else whole


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The members of a gzip file, a bounded block at a time, however well it is packed."""
    member = zlib.decompressobj(GZIP_MEMBER)
    try:
        for chunk in chunks:
            data = chunk
            while data:
                if member.eof:
                    data = data.lstrip(b"\0")  # some tools fill up with zeros
                    member = zlib.decompressobj(GZIP_MEMBER) if data else member
                else:
                    yield from _drained(member, data)
                    data = member.unused_data
    except zlib.error as error:
        raise FeedInvalid(f"The feed's compression is broken: {error}") from error
    if not member.eof:
        raise FeedUnavailable("The compressed feed was cut off.")


def _drained(member: Any, data: bytes) -> Iterator[bytes]:
    block = b"?"
    while block and (data or len(block) == BLOCK):
        block = member.decompress(data, BLOCK)
        yield block
        data = member.unconsumed_tail

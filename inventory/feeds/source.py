"""Gets a feed from where it is into a file of our own, whole, before anything is done with it.

So nothing is merged from a download that breaks off, and no connection is held open meanwhile. A
feed may be gzip-compressed, on its way or as a file. We unpack it ourselves, since httpx takes a
compressed body that was cut off for a whole one.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, unquote, urlsplit

import httpx
from django.utils import timezone

from inventory.errors import FeedInvalid, FeedUnavailable

MAX_BYTES = 512 * 2**20  # several million rows
MAX_SECONDS = 300.0  # for the whole download; a server that trickles must not hold a worker
TIMEOUT = httpx.Timeout(10.0, read=30.0)  # s; suppliers' servers think before they answer
HEADERS = {"Accept-Encoding": "gzip"}
GZIP = b"\x1f\x8b"
TRY_LATER = frozenset({408, 425, 429})  # and all of 5xx


@dataclass(frozen=True)
class Source:
    """A feed's bytes, from their start, and when they were true unless a row says otherwise."""

    file: IO[bytes]
    as_of: datetime


@contextmanager
def fetched(url: str) -> Iterator[Source]:
    """The feed at an http, https or file address. Raises `FeedUnavailable`, `FeedInvalid`."""
    parts = _split(url)
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as unpacked:
        if parts.scheme in ("http", "https"):
            as_of = _download(url, file)
        elif parts.scheme == "file" and parts.netloc in ("", "localhost"):
            as_of = _copy(Path(unquote(parts.path)), file)
        else:
            raise FeedInvalid("A feed's address starts with http://, https:// or file:///.")
        yield Source(_unpack(file, unpacked), as_of)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise FeedInvalid(f"The feed's address is no good: {error}") from error


def _copy(path: Path, file: IO[bytes]) -> datetime:
    try:
        if not path.is_file():
            raise FeedUnavailable(f"There is no file {path}.")
        status = path.stat()
        if status.st_size > MAX_BYTES:
            raise FeedInvalid(f"{path} has more than {MAX_BYTES:,} bytes.")
        with path.open("rb") as source:
            shutil.copyfileobj(source, file)
    except (OSError, ValueError) as error:
        raise FeedUnavailable(f"{path} can't be read: {error}") from error
    return datetime.fromtimestamp(status.st_mtime, UTC)


def _download(url: str, file: IO[bytes]) -> datetime:
    asked_at, deadline = timezone.now(), time.monotonic() + MAX_SECONDS
    try:
        with httpx.stream(
            "GET", url, headers=HEADERS, timeout=TIMEOUT, follow_redirects=True
        ) as answer:
            _check(answer)
            for chunk in answer.iter_raw():
                file.write(chunk)
                if file.tell() > MAX_BYTES:
                    raise FeedInvalid(f"The feed has more than {MAX_BYTES:,} bytes.")
                if time.monotonic() > deadline:
                    raise FeedUnavailable(f"The feed took more than {MAX_SECONDS:g} s to come.")
            return _last_modified(answer, asked_at)
    except httpx.TransportError as error:
        raise FeedUnavailable(
            f"The feed can't be reached: {str(error) or type(error).__name__}"
        ) from error
    except (httpx.InvalidURL, httpx.HTTPError, UnicodeError) as error:
        raise FeedInvalid(f"The feed's address is no good: {error}") from error


def _check(answer: httpx.Response) -> None:
    status = answer.status_code
    if status >= 500 or status in TRY_LATER:
        raise FeedUnavailable(
            f"The supplier answered {status}.", retry_after_s=_retry_after_s(answer)
        )
    if status != 200:
        raise FeedInvalid(f"The supplier answered {status}.")
    if answer.headers.get("content-type", "").startswith("text/html"):
        raise FeedInvalid("The supplier answered with an HTML page instead of a feed.")


def _unpack(file: IO[bytes], unpacked: IO[bytes]) -> IO[bytes]:
    """The file from its start, or its content if it is gzip-compressed."""
    file.seek(0)
    magic = file.read(len(GZIP))
    file.seek(0)
    if magic != GZIP:
        return file
    try:
        with gzip.GzipFile(fileobj=file) as packed:
            while block := packed.read(2**20):
                unpacked.write(block)
                if unpacked.tell() > MAX_BYTES:
                    raise FeedInvalid(f"The feed has more than {MAX_BYTES:,} bytes.")
    except EOFError as error:
        raise FeedUnavailable("The compressed feed was cut off.") from error
    except (OSError, zlib.error) as error:
        raise FeedInvalid(f"The feed's compression is broken: {error}") from error
    unpacked.seek(0)
    return unpacked


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Seconds, from a Retry-After in seconds; an HTTP date is rare enough to be ignored."""
    value = answer.headers.get("retry-after", "")
    return float(value) if value.isdecimal() and len(value) < 6 else None


def _last_modified(answer: httpx.Response, asked_at: datetime) -> datetime:
    """When the supplier wrote the feed; if it doesn't say, when we asked, which surely is not
    before. (What we sold in between would then be counted as still there.)"""
    try:
        written = parsedate_to_datetime(answer.headers["last-modified"])
    except (KeyError, ValueError):
        return asked_at
    if written.tzinfo is None:
        written = written.replace(tzinfo=UTC)
    return min(written, asked_at)

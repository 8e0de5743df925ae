"""Files on this machine, all under SUPPLIER_FILES_DIR: one that is replaced, or a folder of drops.

A dropped file is remembered, not moved: the folder may be read-only for us, a move can't be one
transaction with the database, and whoever drops files by SFTP likes to find them again. What counts
is name, size and time of change together, so a file that is replaced is a new one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from time import time
from typing import IO
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils import timezone

from inventory.errors import FeedInvalid, FeedUnavailable

UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".swp", "~")
"""How upload programs call a file that is still coming."""

SETTLED_S = 10.0  # a file that was changed since may still be written


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A file in a supplier's folder."""

    path: Path
    size: int
    mtime_ns: int

    @property
    def key(self) -> str:
        return sha256(f"{self.path.name}\0{self.size}\0{self.mtime_ns}".encode()).hexdigest()

    @property
    def as_of(self) -> datetime:
        return datetime.fromtimestamp(self.mtime_ns / 1e9, UTC)


def folder_of(name: str) -> Path:
    """A supplier's folder. Raises `FeedInvalid` when it lies outside, `FeedUnavailable`."""
    folder = _inside(Path(settings.SUPPLIER_FILES_DIR, name))
    if not folder.is_dir():
        raise FeedUnavailable(f"There is no folder {folder}.")
    return folder


def dropped(folder: Path, pattern: str) -> list[Dropped]:
    """The finished files, oldest first. Raises `FeedUnavailable`."""
    latest = time() - SETTLED_S
    try:
        found = [
            Dropped(path=Path(entry.path), size=status.st_size, mtime_ns=status.st_mtime_ns)
            for entry in os.scandir(folder)
            if _is_wanted(entry.name, pattern)
            and stat.S_ISREG((status := entry.stat(follow_symlinks=False)).st_mode)
            and status.st_mtime <= latest
        ]
    except OSError as error:
        raise FeedUnavailable(f"{folder} can't be read: {error.strerror}.") from error
    return sorted(found, key=lambda each: (each.mtime_ns, each.path.name))


@contextmanager
def opened(each: Dropped) -> Iterator[IO[bytes]]:
    """The file, if it is still the same, also at the end. Raises `FeedUnavailable`."""
    with _opened(each.path) as file:
        _check_same(each, file)
        yield file
        _check_same(each, file)


def place_of(url: str) -> Path:
    """Where a file: address leads. Raises `FeedInvalid` when that is outside."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
            raise FeedInvalid("A feed's address starts with http://, https:// or file:///.")
        return _inside(Path(unquote(parts.path)))
    except ValueError as error:
        raise FeedInvalid(f"The feed's address is no good: {error}") from error


@contextmanager
def opened_address(url: str) -> Iterator[tuple[IO[bytes], datetime]]:
    """The file at a file: address, and when it was written. Raises as above."""
    with _opened(place_of(url)) as file:
        written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        yield file, min(written, timezone.now())


def _is_wanted(name: str, pattern: str) -> bool:
    is_hidden = name.startswith(".") or name.lower().endswith(UNFINISHED)
    return not is_hidden and fnmatchcase(name, pattern or "*")


def _inside(path: Path) -> Path:
    """The path without links and dots. Raises `FeedInvalid` when it lies outside our folder."""
    root = Path(settings.SUPPLIER_FILES_DIR).resolve()
    try:
        resolved = path.resolve()
    except (OSError, ValueError, RuntimeError) as error:  # NUL, or links in a circle
        raise FeedInvalid(f"The feed's place is no good: {error}") from error
    if not resolved.is_relative_to(root):
        raise FeedInvalid(f"Suppliers' files must lie under SUPPLIER_FILES_DIR, which is {root}.")
    return resolved


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        # A link put there after we looked is not followed; a pipe doesn't make us wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise FeedUnavailable(f"{path} can't be read: {error}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FeedUnavailable(f"There is no file {path}.")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _check_same(each: Dropped, file: IO[bytes]) -> None:
    status = os.fstat(file.fileno())
    if (status.st_size, status.st_mtime_ns) != (each.size, each.mtime_ns):
        raise FeedUnavailable(f"{each.path.name} is still being written.")

"""Reads what a test wrote, as a sync would."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

from inventory.feeds import BadRow, FeedRow, open_feed
from inventory.models import Supplier

Rows = list[FeedRow | BadRow]


def at(url: str, feed_format: str = "csv", **values: Any) -> Supplier:
    """A supplier that is in no database; for feeds at an address none is needed."""
    return Supplier(name="acme", feed_url=url, feed_format=feed_format, **values)


def read(supplier: Supplier) -> Rows:
    with open_feed(supplier) as feed:
        return list(feed.rows)


def read_file(folder: Path, content: bytes, feed_format: str = "csv", **values: Any) -> Rows:
    path = folder / f"feed.{feed_format}"
    path.write_bytes(content)
    return read(at(path.as_uri(), feed_format, **values))


def reasons(rows: Rows) -> list[tuple[int, str]]:
    """Line and reason of each bad row."""
    return [(row.line, row.reason) for row in rows if isinstance(row, BadRow)]


def counts(rows: Rows) -> list[tuple[int, str, int]]:
    """Line, SKU and quantity of each good row."""
    return [(row.line, row.sku, row.quantity) for row in rows if isinstance(row, FeedRow)]


def memory_of_reading(supplier: Supplier) -> int:
    """How many bytes a process of its own grows by while it reads all rows. As file, needs no
    database. Fails when reading does."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        read = 0
        try:
            with open_feed(supplier) as feed:
                read = sum(1 for _ in feed.rows)
        finally:
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            os.write(sending, f"{read} {grown}".encode())
            os._exit(0)
    os.close(sending)
    with os.fdopen(receiving) as answer:
        rows, kilobytes = answer.read().split()
    os.waitpid(child, 0)
    assert int(rows) > 0
    return int(kilobytes) * 1024

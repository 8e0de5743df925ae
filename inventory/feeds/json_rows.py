"""Rows of a JSON feed: a list of objects like those of a CSV row, or an object with such a list.

{"as_of": "2026-01-31T12:00:00Z", "products": [{"sku": "MUG-1", "quantity": 7}, …]}
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

from inventory.errors import FeedInvalid
from inventory.feeds.csv_rows import ALIASES
from inventory.feeds.rows import BadRow, FeedRow, Unusable, parse_time, read_row

LISTS = ("products", "items", "stock")
MAX_BYTES = 64 * 2**20  # the document is read as a whole


class JsonFeed:
    """A document, read. Raises `FeedInvalid`."""

    def __init__(self, file: IO[bytes], *, as_of: datetime, now: datetime) -> None:
        document = _load(file)
        self._as_of = as_of
        self._now = now
        if isinstance(document, dict):
            self._as_of = self._time(document.get("as_of"))
            document = next((document[name] for name in LISTS if name in document), None)
        if not isinstance(document, list):
            raise FeedInvalid(f"The feed has no list of products ({', '.join(LISTS)}).")
        self._items = document

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[FeedRow | BadRow]:
        for number, item in enumerate(self._items, start=1):
            if not isinstance(item, dict):
                yield BadRow(number, "", "not an object with a sku and a quantity")
                continue
            fields = {ALIASES.get(str(name), str(name)): value for name, value in item.items()}
            yield read_row(number, fields, as_of=self._as_of, now=self._now)

    def _time(self, value: Any) -> datetime:
        try:
            return self._as_of if value is None else parse_time(value, now=self._now)
        except Unusable as error:
            raise FeedInvalid(f"The feed's {error}.") from error


def _load(file: IO[bytes]) -> Any:
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise FeedInvalid(f"A JSON feed may have {MAX_BYTES:,} bytes; use CSV for more.")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FeedInvalid(f"The feed is not JSON: {error}") from error

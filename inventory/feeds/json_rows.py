"""Rows of a JSON feed: a list of objects like those of a CSV row, or an object with such a list.

{"as_of": "2026-01-31T12:00:00Z", "next": "?page=2", "cursor": "8f3a",
 "products": [{"sku": "MUG-1", "quantity": 7}, …]}

The document is read twice, never as a whole. The first time tells whether it is JSON to its end,
so nothing of one that was cut off is merged, and what its other members say, which may come after
the list. Only the values that a row needs are kept, so neither a million items nor one monstrous
one needs memory.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from datetime import datetime
from typing import IO, Any

import ijson

from inventory.errors import FeedInvalid
from inventory.feeds.rows import BadRow, FeedRow, Reading, Unusable
from inventory.feeds.source import Source

LISTS = ("products", "items", "stock", "results", "data")
NO_LIST = f"The feed has no list of products ({', '.join(LISTS)})."
MEMBERS = ("as_of", "next", "cursor")
BLOCK = 2**16
MAX_VALUE = 2**20  # bytes of one name or value
MAX_MEMBER = 2000  # characters of an address or a cursor
MAX_DIGITS = 1000
MAX_DEPTH = 1000
LONG_NUMBER = re.compile(rb"(?<![0-9])[0-9]{%d}" % (MAX_DIGITS + 1))
STARTS = ("start_map", "start_array")
ENDS = ("end_map", "end_array")
BOM = b"\xef\xbb\xbf"

Event = tuple[str, Any]
Fields = dict[str, Any]


class JsonDocument:
    """A JSON document, read through once. Raises `FeedInvalid`."""

    def __init__(self, source: Source, reading: Reading) -> None:
        self._source = source
        self._reading = reading
        self._count = 0
        members: dict[str, Any] = {}
        for name, value in self._found():
            if name == "item":
                self._count += 1
            elif name in MEMBERS and value is not None:
                members[name] = value
        self.as_of = self._time(members.get("as_of"))
        self.next_url = _word(members.get("next") or "")
        self.cursor = _word(members.get("cursor", members.get("as_of", "")))

    def __len__(self) -> int:
        return self._count

    def rows(self, first: int = 1) -> Generator[FeedRow | BadRow, None, None]:
        """The rows, one by one; the first item's number is `first`."""
        items = (value for name, value in self._found() if name == "item")
        for number, fields in enumerate(items, start=first):
            if fields is None:
                yield BadRow(number, "", "not an object with a sku and a quantity")
            else:
                yield self._reading.row(
                    number,
                    fields.get("sku"),
                    fields.get("quantity"),
                    fields.get("as_of"),
                    as_of=self.as_of,
                )

    def _found(self) -> Iterator[tuple[str, Any]]:
        return _walk(_events(self._source.reader()), self._reading.names)

    def _time(self, value: Any) -> datetime:
        try:
            return self._source.as_of if value is None else self._reading.time(value)
        except Unusable as error:
            raise FeedInvalid(f"The feed's {error}.") from error


def _word(value: Any) -> str:
    text = str(value)
    if len(text) > MAX_MEMBER or not text.isprintable():
        raise FeedInvalid("The feed's next or cursor is no word that can be sent back.")
    return text


def _walk(events: Iterator[Event], names: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """("item", its fields) for each product, None for what is no object, and members by name."""
    kind, _ = next(events)
    if kind == "start_array":
        yield from _items(events, names)
    elif kind == "start_map":
        yield from _members(events, names)
    else:
        raise FeedInvalid(NO_LIST)
    for _ in events:  # to the parser's end, which finds what follows the document
        pass


def _members(events: Iterator[Event], names: dict[str, str]) -> Iterator[tuple[str, Any]]:
    has_list = False
    for event, name in events:
        if event == "end_map":
            break
        kind, value = next(events)
        if kind == "start_array" and name in LISTS and not has_list:
            has_list = True
            yield from _items(events, names)
        elif kind in STARTS:
            _skip(events)
        else:
            yield str(name), value
    if not has_list:
        raise FeedInvalid(NO_LIST)


def _items(events: Iterator[Event], names: dict[str, str]) -> Iterator[tuple[str, Fields | None]]:
    for kind, _ in events:
        if kind == "end_array":
            return
        if kind == "start_map":
            yield "item", _fields(events, names)
            continue
        if kind == "start_array":
            _skip(events)
        yield "item", None


def _fields(events: Iterator[Event], names: dict[str, str], path: str = "") -> Fields:
    """The values that a row needs, by our names. `stock.on_hand` is a member of a member."""
    fields: Fields = {}
    for event, name in events:
        if event == "end_map":
            break
        theirs = f"{path}{name}"
        kind, value = next(events)
        if kind == "start_map" and any(each.startswith(f"{theirs}.") for each in names):
            fields.update(_fields(events, names, f"{theirs}."))
            continue
        if kind in STARTS:
            _skip(events)
            value = "{…}" if kind == "start_map" else "[…]"
        if theirs in names:
            fields[names[theirs]] = value
    return fields


def _skip(events: Iterator[Event]) -> None:
    """To the end of an object or a list whose start was read."""
    depth = 1
    while depth:
        kind, _ = next(events)
        depth += (kind in STARTS) - (kind in ENDS)
        if depth > MAX_DEPTH:  # the parser keeps a byte for each
            raise FeedInvalid(f"The feed is nested more than {MAX_DEPTH:,} deep.")


def _events(file: IO[bytes]) -> Iterator[Event]:
    """The parser's events. Raises `FeedInvalid`."""
    events = ijson.sendable_list()
    parser = ijson.basic_parse_coro(events)
    if file.read(len(BOM)) != BOM:
        file.seek(0)
    done = silent = 0
    try:
        for block in _checked(file):
            parser.send(block)
            silent = 0 if events else silent + len(block)
            if silent > MAX_VALUE:
                raise FeedInvalid(f"The feed has a value of more than {MAX_VALUE:,} bytes.")
            yield from events
            del events[:]
            done += len(block)
        parser.close()
        yield from events
    except (ijson.JSONError, ValueError, ArithmeticError) as error:
        what = str(error).partition("\n")[0].removeprefix("b'")
        raise FeedInvalid(f"The feed is not JSON, after byte {done:,}: {what}") from error


def _checked(file: IO[bytes]) -> Iterator[bytes]:
    """Blocks that are safe to parse: a number that Python refuses to convert makes the C code of
    ijson 3.6 hand out a null pointer."""
    tail = b""
    for block in iter(lambda: file.read(BLOCK), b""):
        if LONG_NUMBER.search(tail + block):
            raise FeedInvalid(f"The feed has a number of more than {MAX_DIGITS:,} digits.")
        tail = block[-MAX_DIGITS - 1 :]
        yield block

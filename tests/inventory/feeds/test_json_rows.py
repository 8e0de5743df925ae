from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventory.errors import FeedInvalid
from inventory.feeds import FeedRow
from tests.inventory.feeds.reading import at, counts, memory_of_reading, read_file, reasons


@pytest.mark.parametrize(
    "document",
    [
        [{"sku": "A-1", "quantity": 7}],
        {"products": [{"sku": "A-1", "on_hand": "7"}]},
        {"as_of": "2026-01-31T12:00:00Z", "items": [{"sku": "A-1", "quantity": 7, "as_of": None}]},
        {"meta": {"data": [1]}, "results": [{"sku": "A-1", "x": [{"sku": 1}], "quantity": 7}]},
    ],
)
def test_given_a_json_feed_when_read_then_rows_are_numbered(
    tmp_path: Path, document: object
) -> None:
    rows = read_file(tmp_path, json.dumps(document).encode(), "json")
    assert counts(rows) == [(1, "A-1", 7)]


def test_given_a_time_after_the_list_when_read_then_it_counts_for_its_rows(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf{"products": [{"sku": "A-1", "quantity": 7}], "as_of": "2026-01-31"}'
    rows = read_file(tmp_path, content, "json")
    assert rows == [FeedRow(1, "A-1", 7, datetime(2026, 1, 31, tzinfo=UTC))]


def test_given_the_suppliers_own_names_when_read_then_members_of_members_are_found(
    tmp_path: Path,
) -> None:
    content = b"""[{"id": 5, "sku": "X", "stock": {"main": {"free": 7}, "free": 1}},
        {"id": "B-2", "stock": {"main": 3}}, {"id": {}, "stock": {"main": {"free": 1}}}]"""
    rows = read_file(
        tmp_path, content, "json", sku_field="id", quantity_field="stock.main.free", safety_buffer=2
    )
    assert counts(rows)[0] == (1, "5", 5)
    assert reasons(rows) == [(2, "no quantity")]


def test_given_bad_items_when_read_then_they_are_told_and_the_others_are_read(
    tmp_path: Path,
) -> None:
    content = b"""[{"sku": "G-1", "quantity": 1}, 5, null, {"sku": "A-1"}, {"quantity": 3},
        {"sku": "A-1", "quantity": 1.0}, {"sku": "A-1", "quantity": true}, [["x"]],
        {"sku": "A-1", "quantity": [1]}, {"sku": {"a": 1}, "quantity": -1}, {},
        {"sku": "A\\u0000", "quantity": 1}, {"sku": "A", "quantity": 1e3}]"""
    rows = read_file(tmp_path, content, "json")
    assert counts(rows) == [(1, "G-1", 1)]
    assert [line for line, _ in reasons(rows)] == list(range(2, 14))


@pytest.mark.parametrize(
    "content",
    [
        b"[",
        b'[{"sku": "A-1", "quantity": 7}, {"sku": "A-1", "quan',
        b'[{"sku": "A-1", "quantity": 7}]x',
        b'[{"sku": "A-1", "quantity": NaN}]',
        b'[{"sku": "A-1", "quantity": 1e99999999999999999999}]',
        b'[{"sku": "A-1", "quantity": ' + b"9" * 100_000 + b"}]",
        b'[{"sku": "A-1", "quantity": ' + b"9" * 2000,
        b'[{"sku": "' + b"x" * 10_000_000 + b'"}]',
        b'[{"sku": "M\xfcg", "quantity": 7}]',
        b'{"error": "sorry"}',
        b"5",
        b'"',
        b"\0",
        b'{"products": 5}',
        b'{"as_of": 5, "products": []}',
        b"[" * 100_000,
        b'{"junk": ' + b"[" * 2_000_000 + b"]" * 2_000_000 + b', "products": []}',
        b"\x80abc",
        b'{"as_of": "2999-01-01", "products": []}',
        b'{"cursor": "a\\nb", "products": []}',
    ],
    ids=lambda content: str(content[:30]),
)
def test_given_what_is_no_json_feed_when_read_then_the_whole_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(FeedInvalid) as caught:
        read_file(tmp_path, content, "json")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("start", "item", "end"),
    [
        (b"[", b'{"sku": "A-%d", "quantity": 7, "name": "' + b"x" * 50 + b'"},', b"0]"),
        (b'[{"sku": "A", "quantity": 7', b',"%d": "' + b"x" * 99 + b'"', b"}]"),
        (b"[", b'["' + b"x" * 99 + b'"],', b"0]"),
    ],
    ids=["items", "one monstrous item", "lists"],
)
def test_given_megabytes_when_read_then_memory_stays_small(
    tmp_path: Path, start: bytes, item: bytes, end: bytes
) -> None:
    path = tmp_path / "feed.json"
    with path.open("wb") as file:
        file.write(start)
        for number in range(16_000_000 // len(item)):
            file.write(item.replace(b"%d", b"%d" % number))
        file.write(end)
    assert memory_of_reading(at(path.as_uri(), "json")) < 8_000_000

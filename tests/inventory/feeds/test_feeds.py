"""Whatever comes, reading ends in rows or in a `FeedError`."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.errors import FeedError
from inventory.feeds import FeedRow
from tests.inventory.feeds.reading import read_file

STARTS = [
    b"", b"sku,quantity,as_of\n", b'sku;quantity\n"', b"[{", b'[{"sku": "A-1", "quantity": ',
    b'{"products": [', b'{"next": "?page=2", "as_of": ', b"\x1f\x8b\x08", b"\xef\xbb\xbf",
]  # fmt: skip

# Noise alone is refused early, so mix it with what feeds are made of.
PIECES = st.sampled_from(
    [
        b'"', b",", b";", b"\n", b"\r", b"\0", b"{", b"}", b"[", b"]", b":", b"\\", b"\\u0000",
        b"\\ud800", b"sku", b'"sku"', b'"quantity"', b"quantity", b"as_of", b'"as_of"', b"7",
        b"-1", b"1e9", b"9" * 1500, b"null", b"true", b"2026-01-31", b"0001-01-01T00:00+23:59",
        b"\xff", b"\xc3\xa9", b"x" * 300, b" ",
    ]
)  # fmt: skip
CONTENT = st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=60).map(b"".join))


@settings(max_examples=300, deadline=None)
@given(
    start=st.sampled_from(STARTS),
    content=CONTENT,
    feed_format=st.sampled_from(["csv", "json"]),
    cut=st.none() | st.integers(0, 200),
    is_packed=st.booleans(),
)
def test_whatever_the_bytes_reading_ends_in_rows_or_a_feed_error(
    tmp_path_factory: pytest.TempPathFactory,
    start: bytes,
    content: bytes,
    feed_format: str,
    cut: int | None,
    is_packed: bool,
) -> None:
    whole = start + content
    sent = (gzip.compress(whole) if is_packed else whole)[:cut]
    try:
        rows = read_file(tmp_path_factory.getbasetemp(), sent, feed_format, safety_buffer=1)
    except FeedError:
        return
    for row in rows:
        assert "\0" not in row.sku
        row.sku.encode()  # PostgreSQL stores nothing else
        if isinstance(row, FeedRow):
            assert row.quantity >= 0
        else:
            assert row.reason and "\0" not in row.reason
            row.reason.encode()

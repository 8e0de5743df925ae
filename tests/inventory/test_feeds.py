from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.errors import FeedError, FeedInvalid, FeedUnavailable
from inventory.feeds import BadRow, FeedRow, open_feed
from tests.inventory.web import Answer, SupplierSite

HEADER = b"sku,quantity,as_of\n"


def read(path: Path, content: bytes, feed_format: str = "csv") -> list[FeedRow | BadRow]:
    path = path / f"feed.{feed_format}"
    path.write_bytes(content)
    with open_feed(path.as_uri(), feed_format) as feed:
        return list(feed.rows)


def reasons(rows: list[FeedRow | BadRow]) -> list[tuple[int, str]]:
    """Line and reason of each bad row."""
    return [(row.line, row.reason) for row in rows if isinstance(row, BadRow)]


def test_given_a_csv_file_when_read_then_each_row_has_its_line_and_time(tmp_path: Path) -> None:
    rows = read(
        tmp_path, HEADER + b"A-1,7,2026-01-31T12:00:00Z\n\nB-2,0,2026-01-31T13:00:00+01:00\n"
    )
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert rows == [FeedRow(2, "A-1", 7, noon), FeedRow(4, "B-2", 0, noon)]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfsku,quantity\nA-1,7\n",
        b"SKU ; Quantity\r\n A-1 ; 7 \r\n",
        b'name\ton_hand\tsku\n"a \n mug"\t+7\tA-1',
        b'sku,quantity\n"A-1","7"\n',
    ],
    ids=["BOM", "semicolons", "tabs and aliases", "quotes"],
)
def test_given_the_dialects_of_suppliers_when_read_then_they_mean_the_same(
    tmp_path: Path, content: bytes
) -> None:
    (row,) = read(tmp_path, content)
    assert isinstance(row, FeedRow)
    assert (row.sku, row.quantity) == ("A-1", 7)


def test_given_no_time_in_the_row_when_read_then_the_files_own_counts(tmp_path: Path) -> None:
    (row,) = read(tmp_path, b"sku,quantity\nA-1,7\n")
    written = datetime.fromtimestamp((tmp_path / "feed.csv").stat().st_mtime, UTC)
    assert isinstance(row, FeedRow) and row.as_of == written


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"A-1,-3,", "quantity -3 is negative"),
        (b"A-1,many,", "quantity 'many' is not a whole number"),
        (b"A-1,1.5,", "quantity '1.5' is not a whole number"),
        (b"A-1,NaN,", "quantity 'NaN' is not a whole number"),
        (b"A-1,99999999999999999,", "quantity 99999999999999999 is more than 1,000,000,000"),
        (b"A-1,,", "no quantity"),
        (b"A-1", "no quantity"),
        (b",5,", "no SKU"),
        (b"x" * 41 + b",5,", "SKU has more than 40 characters"),
        (b"A\0-1,5,", "SKU has characters that can't be read; is the feed UTF-8?"),
        (b"M\xfcg,5,", "SKU has characters that can't be read; is the feed UTF-8?"),
        (b"A-1,5,soon", "as_of 'soon' is not a time like 2026-01-31T12:00:00Z"),
        (b"A-1,5,2999-01-01", "as_of 2999-01-01T00:00:00+00:00 lies in the future"),
        (b'A-1,"5"x,', "not CSV: ',' expected after '\"'"),
        (b"y" * 200_000 + b",5,", "not CSV: line has more than 100,000 characters"),
    ],
)
def test_given_a_bad_row_when_read_then_it_is_told_and_the_others_are_read(
    tmp_path: Path, row: bytes, reason: str
) -> None:
    rows = read(tmp_path, HEADER + b"G-1,1,\n" + row + b"\nG-2,2,\n")
    assert reasons(rows) == [(3, reason)]
    assert [(good.line, good.sku) for good in rows if isinstance(good, FeedRow)] == [
        (2, "G-1"),
        (4, "G-2"),
    ]


def test_given_a_quote_that_never_ends_when_read_then_it_is_told(tmp_path: Path) -> None:
    rows = read(tmp_path, HEADER + b'G-1,1,\n"A-1,5,\nG-2,2,\n')
    assert reasons(rows) == [(3, "not CSV: unexpected end of data")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<!doctype html><h1>Sorry</h1>", "HTML"),
        (b"\n <html>", "HTML"),
        (b"sku,price\nA-1,5\n", "no column quantity"),
        (b"Sorry, we are closed", "no column sku and no column quantity"),
        (b"sku,quantity,on_hand\n", "two columns quantity"),
        (b"\xff\xfes\0k\0u\0", "not UTF-8 text"),
        (b"PK\3\4", "not UTF-8 text"),
        (b'"sku,quantity\n', "header"),
    ],
)
def test_given_what_is_no_csv_feed_when_read_then_the_whole_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(FeedInvalid, match=message):
        read(tmp_path, content)


# --- JSON


@pytest.mark.parametrize(
    "document",
    [
        [{"sku": "A-1", "quantity": 7}],
        {"products": [{"sku": "A-1", "on_hand": "7"}]},
        {"as_of": "2026-01-31T12:00:00Z", "items": [{"sku": "A-1", "quantity": 7, "as_of": None}]},
    ],
)
def test_given_a_json_feed_when_read_then_rows_are_numbered(
    tmp_path: Path, document: object
) -> None:
    (row,) = read(tmp_path, json.dumps(document).encode(), "json")
    assert isinstance(row, FeedRow)
    assert (row.line, row.sku, row.quantity) == (1, "A-1", 7)


def test_given_bad_items_when_read_then_they_are_told_and_the_others_are_read(
    tmp_path: Path,
) -> None:
    content = b"""[{"sku": "G-1", "quantity": 1}, 5, null, {"sku": "A-1"}, {"quantity": 3},
        {"sku": "A-1", "quantity": 1.0}, {"sku": "A-1", "quantity": true},
        {"sku": "A-1", "quantity": NaN}, {"sku": {"a": 1}, "quantity": -1},
        {"sku": "A\\u0000", "quantity": 1}, {"sku": "A\\ud800", "quantity": 1}]"""
    rows = read(tmp_path, content, "json")
    assert [line for line, _ in reasons(rows)] == list(range(2, 12))


@pytest.mark.parametrize(
    "content",
    [
        b"[",
        b'{"error": "sorry"}',
        b"5",
        b'{"products": 5}',
        b'{"as_of": 5, "products": []}',
        b"[" * 100_000,
        b"\x80abc",
        b'{"as_of": "2999-01-01", "products": []}',
    ],
)
def test_given_what_is_no_json_feed_when_read_then_the_whole_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(FeedInvalid):
        read(tmp_path, content, "json")


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=300), feed_format=st.sampled_from(["csv", "json"]))
def test_whatever_the_bytes_reading_ends_in_rows_or_a_feed_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, feed_format: str
) -> None:
    path = tmp_path_factory.getbasetemp()
    for prefix in (b"", HEADER, b"[{"):
        try:
            rows = read(path, prefix + content, feed_format)
        except FeedError:
            continue
        for row in rows:
            assert "\0" not in row.sku
            row.sku.encode()  # PostgreSQL stores nothing else


# --- where from


def test_given_a_website_when_read_then_last_modified_is_the_time(site: SupplierSite) -> None:
    site.answer = Answer(
        b"sku,quantity\nA-1,7\n", headers={"Last-Modified": "Sat, 31 Jan 2026 12:00:00 GMT"}
    )
    with open_feed(site.url, "csv") as feed:
        assert list(feed.rows) == [FeedRow(2, "A-1", 7, datetime(2026, 1, 31, 12, tzinfo=UTC))]
        assert feed.total == 1


@pytest.mark.parametrize(
    "header",
    [{}, {"Last-Modified": "yesterday"}, {"Last-Modified": "Sat, 31 Jan 2099 12:00:00 GMT"}],
)
def test_given_no_believable_last_modified_when_read_then_the_time_of_asking_counts(
    site: SupplierSite, header: dict[str, str]
) -> None:
    site.answer = Answer(b"sku,quantity\nA-1,7\n", headers=header)
    before = timezone.now()
    with open_feed(site.url, "csv") as feed:
        (row,) = feed.rows
    assert isinstance(row, FeedRow)
    assert before <= row.as_of <= before + timedelta(seconds=30)


def test_given_a_compressed_answer_when_read_then_it_is_unpacked(site: SupplierSite) -> None:
    site.answer = Answer(
        gzip.compress(b"sku,quantity\nA-1,7\n"), headers={"Content-Encoding": "gzip"}
    )
    with open_feed(site.url, "csv") as feed:
        assert len(list(feed.rows)) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=503), FeedUnavailable),
        (Answer(status=429), FeedUnavailable),
        (Answer(status=404), FeedInvalid),
        (Answer(b"<h1>Sorry</h1>", content_type="text/html; charset=utf-8"), FeedInvalid),
        (Answer(b"<h1>Sorry</h1>"), FeedInvalid),
        (Answer(b"sku,quantity\nA-1,7\n", length=1000), FeedUnavailable),
        (Answer(gzip.compress(b"sku,quantity\n")[:9] + b"\0" * 20), FeedInvalid),
        (
            Answer(
                gzip.compress(b"sku,quantity\nA-1,7\n" * 99)[:40],
                headers={"Content-Encoding": "gzip"},
            ),
            FeedUnavailable,
        ),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), FeedError),
    ],
    ids=["503", "429", "404", "page", "page as csv", "cut off", "bad gzip", "cut gzip", "redirect"],
)
def test_given_an_answer_that_is_no_feed_when_read_then_it_is_refused(
    site: SupplierSite, answer: Answer, error: type[FeedError]
) -> None:
    site.answer = answer
    with pytest.raises(error), open_feed(site.url, "csv") as feed:
        list(feed.rows)


def test_given_the_supplier_asks_for_patience_when_read_then_the_error_says_so(
    site: SupplierSite,
) -> None:
    site.answer = Answer(status=429, headers={"Retry-After": "120"})
    with pytest.raises(FeedUnavailable) as caught, open_feed(site.url, "csv"):
        pytest.fail("it was refused")
    assert caught.value.retry_after_s == 120


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:1/stock", FeedUnavailable),
        ("file:///no/such/file", FeedUnavailable),
        ("file:///", FeedUnavailable),
        ("file://elsewhere/stock.csv", FeedInvalid),
        ("ftp://example.com/stock", FeedInvalid),
        ("http://", FeedError),
        ("http://[::1", FeedError),
        ("file:///%00", FeedError),
        ("stock.csv", FeedInvalid),
        ("", FeedInvalid),
    ],
)
def test_given_an_address_without_a_feed_when_read_then_it_is_refused(
    url: str, error: type[FeedError]
) -> None:
    with pytest.raises(error), open_feed(url, "csv"):
        pytest.fail("it was refused")

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventory.errors import FeedInvalid
from inventory.feeds import FeedRow
from tests.inventory.feeds.reading import at, counts, memory_of_reading, read_file, reasons

HEADER = b"sku,quantity,as_of\n"


def test_given_a_csv_file_when_read_then_each_row_has_its_line_and_time(tmp_path: Path) -> None:
    rows = read_file(
        tmp_path, HEADER + b"A-1,7,2026-01-31T12:00:00Z\n\nB-2,0,2026-01-31T13:00:00+01:00\n"
    )
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert rows == [FeedRow(2, "A-1", 7, noon), FeedRow(4, "B-2", 0, noon)]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfsku,quantity\nA-1,7\n",
        b"SKU ; Quantity\r\n A-1 ; 7 \r\n",
        b'name\ton_hand\tsku\n"a \n mug"\t+7\tA-1\n',
        b"sku|quantity\rA-1|7\r",
        b'sku,quantity\n"A-1","7"\n',
        b"sku,quantity\nA-1,7,,\n",
    ],
    ids=["BOM", "semicolons", "tabs and aliases", "bars and old Macs", "quotes", "empty fields"],
)
def test_given_the_dialects_of_suppliers_when_read_then_they_mean_the_same(
    tmp_path: Path, content: bytes
) -> None:
    assert [each[1:] for each in counts(read_file(tmp_path, content))] == [("A-1", 7)]


def test_given_the_suppliers_own_names_when_read_then_only_they_count(tmp_path: Path) -> None:
    content = b"sku,ArtNr,quantity,Bestand,Stand\nX,A-1,99,7,2026-01-31T12:00:00Z\n"
    rows = read_file(
        tmp_path, content, sku_field="artnr", quantity_field="Bestand", as_of_field="Stand"
    )
    assert rows == [FeedRow(2, "A-1", 7, datetime(2026, 1, 31, 12, tzinfo=UTC))]
    with pytest.raises(FeedInvalid, match="no column Menge"):
        read_file(tmp_path, content, quantity_field="Menge")


def test_given_a_safety_buffer_when_read_then_it_is_taken_off_but_never_below_zero(
    tmp_path: Path,
) -> None:
    rows = read_file(tmp_path, HEADER + b"A-1,7,\nB-2,2,\nC-3,-1,\n", safety_buffer=3)
    assert counts(rows) == [(2, "A-1", 4), (3, "B-2", 0)]
    assert reasons(rows) == [(4, "quantity -1 is negative")]


def test_given_no_time_in_the_row_when_read_then_the_files_own_counts(tmp_path: Path) -> None:
    (row,) = read_file(tmp_path, b"sku,quantity\nA-1,7\n")
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
        (b"A-1", "1 fields where the header has 3"),
        (b"A-1,5", "2 fields where the header has 3"),
        (b"A-1,5,,x", "4 fields where the header has 3"),
        (b",5,", "no SKU"),
        (b"x" * 41 + b",5,", "SKU has more than 40 characters"),
        (b"A\0-1,5,", "SKU has characters that can't be read; is the feed UTF-8?"),
        (b"M\xfcg,5,", "SKU has characters that can't be read; is the feed UTF-8?"),
        (b"A-1,5,soon", "as_of 'soon' is not a time like 2026-01-31T12:00:00Z"),
        (b"A-1,5,2999-01-01", "as_of 2999-01-01T00:00:00+00:00 lies in the future"),
        (b'A-1,"5"x,', "not CSV: ',' expected after '\"'"),
        (b"y" * 200_000 + b",5,", "not CSV: line has more than 100,000 characters"),
        (b"z" * 10_000_000, "not CSV: line has more than 100,000 characters"),
    ],
    ids=lambda value: str(value[:20]),
)
def test_given_a_bad_row_when_read_then_it_is_told_and_the_others_are_read(
    tmp_path: Path, row: bytes, reason: str
) -> None:
    rows = read_file(tmp_path, HEADER + b"G-1,1,\n" + row + b"\nG-2,2,\n")
    assert reasons(rows) == [(3, reason)]
    assert counts(rows) == [(2, "G-1", 1), (4, "G-2", 2)]


def test_given_a_quote_that_never_ends_when_read_then_it_is_told(tmp_path: Path) -> None:
    rows = read_file(tmp_path, HEADER + b'G-1,1,\n"A-1,5,\nG-2,2,\n')
    assert reasons(rows) == [(3, "not CSV: unexpected end of data")]


@pytest.mark.parametrize("end", [b"A-1,1", b"A-1,1,2026-01-31", b'A-1,1,"'])
def test_given_a_file_that_was_cut_off_when_read_then_its_last_row_is_not_believed(
    tmp_path: Path, end: bytes
) -> None:
    """The quantity may have been 100."""
    rows = read_file(tmp_path, HEADER + b"G-1,1,\n" + end)
    assert counts(rows) == [(2, "G-1", 1)]
    assert [line for line, _ in reasons(rows)] == [3]


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
        read_file(tmp_path, content)


@pytest.mark.parametrize(
    "row",
    [
        b"A-%d,7,2026-01-31T12:00:00Z\n",
        b'",' + b"x" * 99 + b',"\n',
        b'"%d' + b"," * 99 + b"\n",
        b"\0" * 999 + b"\n",
    ],
    ids=["good", "one record of many lines", "quotes that never end", "NULs"],
)
def test_given_megabytes_when_read_then_memory_stays_small(tmp_path: Path, row: bytes) -> None:
    path = tmp_path / "feed.csv"
    with path.open("wb") as file:
        file.write(HEADER + b'G-1,1,\n"')  # a quote that turns all that follows around
        for number in range(16_000_000 // len(row)):
            file.write(row.replace(b"%d", b"%d" % number))
    assert memory_of_reading(at(path.as_uri())) < 8_000_000

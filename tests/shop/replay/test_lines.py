"""Every line becomes goods or a refusal with a reason; nothing makes the reader crash."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.replay.lines import GoodsLine, NotOrderLines, read_lines
from shop.replay.refusals import Refusal
from tests.shop.replay.csv_text import csv_file, csv_line


def only(*lines: str) -> GoodsLine | Refusal:
    (value,) = read_lines(csv_file(*lines))
    return value


def reason_for(line: str) -> str:
    refusal = only(line)
    assert isinstance(refusal, Refusal)
    assert refusal.line == 2
    return refusal.reason


def test_given_a_sale_when_read_then_its_values_are_typed() -> None:
    assert only(csv_line(code=" 85123a", description="WHITE  HEART ")) == GoodsLine(
        line=2,
        invoice="536365",
        sku="85123A",
        description="WHITE HEART",
        quantity=6,
        at=datetime(2010, 12, 1, 8, 26, tzinfo=UTC),
        price_minor=255,
        customer="17850",
    )


def test_given_a_credit_note_when_read_then_its_quantity_stays_negative() -> None:
    line = only(csv_line(invoice="C536379", quantity=-1))
    assert isinstance(line, GoodsLine)
    assert (line.is_credit, line.quantity) == (True, -1)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (csv_line(code="POST"), "POST is postage, not goods"),
        (csv_line(code="BANK CHARGES"), "BANK CHARGES is a bank charge, not goods"),
        (csv_line(code="m"), "M is a manual entry, not goods"),
        (csv_line(code="gift_0001_20"), "a gift voucher, not goods"),
        (csv_line(code=""), "no stock code"),
        (csv_line(code="9" * 60), "not a stock code of goods"),
        (csv_line(price="0"), "price 0.00: a gift or a stock correction, not a sale"),
        (csv_line(price="NaN"), "price is not a number"),
        (csv_line(price="1e9"), "price is not a number"),
        (csv_line(price="2,55"), "9 columns instead of 8"),
        (csv_line(price="-1.00"), "price below 0"),
        (csv_line(price="0.001"), "price is not whole pence"),
        (csv_line(price="1000000.01"), "price above 1,000,000"),
        (csv_line(quantity=0), "quantity is not a whole number other than 0"),
        (csv_line(quantity="1.5"), "quantity is not a whole number other than 0"),
        (csv_line(quantity="1_0"), "quantity is not a whole number other than 0"),
        (csv_line(quantity="٣"), "quantity is not a whole number other than 0"),
        (csv_line(quantity=2**31), "quantity above 1,000,000"),
        (
            csv_line(quantity=-10),
            "a stock write-off (negative quantity on an invoice), not an order",
        ),
        (csv_line(invoice="C1", quantity=3), "a cancellation must have a negative quantity"),
        (csv_line(invoice="A563185"), "not an invoice number"),
        (csv_line(at="2010-12-01"), "date is not DD/MM/YYYY HH:MM"),
        (csv_line(at="31/02/2010 08:26"), "date is not DD/MM/YYYY HH:MM"),
        (csv_line(customer="x@y.z"), "customer number is not letters and digits"),
        (csv_line(description="a\0b"), "a NUL character"),
        ("536365,85123A\n", "2 columns instead of 8"),
    ],
)
def test_given_a_line_that_is_no_sale_when_read_then_it_is_refused(line: str, reason: str) -> None:
    assert reason_for(line) == reason


def test_given_a_stray_quote_when_read_then_only_its_line_is_refused() -> None:
    broken = csv_line(description='"BLUE HEART')
    first, second = read_lines(csv_file(broken, csv_line()))
    assert isinstance(first, Refusal)
    assert first.reason.startswith("not readable as CSV")
    assert isinstance(second, GoodsLine)
    assert second.line == 3


def test_given_blank_lines_when_read_then_they_are_skipped_but_counted() -> None:
    values = list(read_lines(csv_file("\n", ",,,,,,,\n", csv_line())))
    assert [value.line for value in values] == [4]


@pytest.mark.parametrize("text", [[], ["\n"], ["a,b,c\n"], ['"InvoiceNo\n']])
def test_given_another_heading_when_read_then_the_file_is_refused(text: list[str]) -> None:
    with pytest.raises(NotOrderLines, match="first line must name the columns InvoiceNo"):
        list(read_lines(text))


@given(st.text())
def test_given_any_text_when_read_then_each_line_has_one_answer(text: str) -> None:
    lines = text.splitlines(keepends=True)
    values = list(read_lines(csv_file(*lines)))
    assert len(values) <= len(lines)
    assert len({value.line for value in values}) == len(values)


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n")), min_size=8, max_size=8),
)
def test_given_any_eight_fields_when_read_then_goods_are_sane(fields: list[str]) -> None:
    for value in read_lines(csv_file(",".join(fields))):
        if isinstance(value, GoodsLine):
            assert value.quantity != 0
            assert value.price_minor > 0
            assert (value.quantity < 0) == value.is_credit

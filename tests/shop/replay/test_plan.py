"""A plan is a pure function of the file in which every line is accounted for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.replay.lines import NotOrderLines
from shop.replay.plan import Plan, make_plan, read_plan
from shop.replay.refusals import by_reason, write_csv
from shop.replay.returns import Return
from tests.shop.replay.csv_text import HEADING, csv_file, csv_line

LINES = st.builds(
    csv_line,
    invoice=st.sampled_from(["1", "2", "3", "C4", "C5"]),
    code=st.sampled_from(["10000", "10001a", "10001A", "POST"]),
    quantity=st.integers(-4, 4),
    at=st.sampled_from(["01/12/2010 08:26", "02/12/2010 08:26", "03/12/2010 08:26"]),
    price=st.sampled_from(["0", "1.00", "2.55"]),
    customer=st.sampled_from(["", "17850", "17851"]),
)


def accounted(plan: Plan) -> list[int]:
    ordered = [line.line for order in plan.orders for line in order.lines]
    returned = [line.line for each in plan.returns for line in each.lines]
    return sorted([*ordered, *returned, *(refusal.line for refusal in plan.refused)])


@given(st.lists(LINES, max_size=30))
def test_given_any_lines_when_planned_then_each_is_ordered_returned_or_refused(
    lines: list[str],
) -> None:
    plan = make_plan(csv_file(*lines))
    assert accounted(plan) == list(range(2, len(lines) + 2))
    assert plan.line_count == len(lines)


@given(st.lists(LINES, max_size=30))
def test_given_any_lines_when_planned_then_no_more_comes_back_than_was_sold(
    lines: list[str],
) -> None:
    plan = make_plan(csv_file(*lines))
    left = {order.number: Counter(order.quantities) for order in plan.orders}
    for each in plan.returns:
        for line in each.lines:
            left[each.invoice][line.sku] += line.quantity
    assert all(units >= 0 for order in left.values() for units in order.values())


@given(st.lists(LINES, max_size=30))
def test_given_any_lines_when_planned_then_the_catalogue_covers_the_orders(
    lines: list[str],
) -> None:
    plan = make_plan(csv_file(*lines))
    ordered: Counter[str] = Counter()
    for order in plan.orders:
        ordered.update(order.quantities)
    assert ordered == {item.sku: item.units_sold for item in plan.products}


@given(st.lists(LINES, max_size=30))
def test_given_any_lines_when_stepped_through_then_orders_come_before_their_returns(
    lines: list[str],
) -> None:
    ordered = set()
    for step in make_plan(csv_file(*lines)).steps:
        if isinstance(step, Return):
            assert step.invoice in ordered
        else:
            ordered.add(step.number)


def test_given_a_limit_when_planned_then_only_returns_of_the_kept_orders_stay() -> None:
    credit = csv_line(invoice="C9", quantity=-6, at="05/12/2010 08:26")
    plan = make_plan(csv_file(csv_line(invoice="1", customer="1"), csv_line(invoice="2"), credit))
    assert [each.invoice for each in plan.returns] == ["2"]
    assert [order.number for order in plan.limited(1).orders] == ["1"]
    assert plan.limited(1).returns == ()
    assert plan.limited(1).products == plan.products
    assert plan.limited(None) is plan


def test_given_a_file_of_the_original_encoding_when_read_then_it_is_understood(
    tmp_path: Path,
) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes((HEADING + csv_line(description="CAFÉ SIGN")).encode("cp1252"))
    assert [item.name for item in read_plan(path).products] == ["Café sign"]


def test_given_a_byte_order_mark_and_crlf_when_read_then_they_do_not_matter(
    tmp_path: Path,
) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADING + csv_line()).replace("\n", "\r\n").encode())
    assert len(read_plan(path).orders) == 1


def test_given_an_empty_file_when_read_then_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.touch()
    with pytest.raises(NotOrderLines, match="empty"):
        read_plan(path)


def test_given_refused_lines_when_gathered_then_the_most_frequent_reason_leads() -> None:
    plan = make_plan(csv_file(csv_line(price="0"), *[csv_line(code="POST")] * 8))
    first, second = by_reason(plan.refused)
    assert (first.reason, len(first.lines)) == ("POST is postage, not goods", 8)
    assert first.places() == "3, 4, 5, 6, 7, 8 … (8 lines)"
    assert second.places() == "2"


def test_given_refused_lines_when_written_then_each_has_line_number_and_reason(
    tmp_path: Path,
) -> None:
    plan = make_plan(csv_file(csv_line(code="POST")))
    write_csv(plan.refused, tmp_path / "refused.csv")
    assert (tmp_path / "refused.csv").read_text().splitlines() == [
        "line,invoice,sku,reason",
        '2,536365,POST,"POST is postage, not goods"',
    ]

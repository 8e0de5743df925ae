"""A credit note takes back what its customer bought before it, newest first, or is refused."""

from __future__ import annotations

from shop.replay.plan import Plan, make_plan
from tests.shop.replay.csv_text import csv_file, csv_line


def plan(*lines: str) -> Plan:
    return make_plan(csv_file(*lines))


def credit_line(*, quantity: int = -6, customer: str = "17850", code: str = "85123A") -> str:
    return csv_line(
        invoice="C1",
        quantity=quantity,
        at="02/12/2010 10:00",
        customer=customer,
        code=code,
    )


def test_given_two_orders_with_the_goods_when_credited_then_the_newest_is_taken_back() -> None:
    found = plan(csv_line(invoice="1"), csv_line(invoice="2", at="01/12/2010 09:00"), credit_line())
    assert [(each.credit, each.invoice) for each in found.returns] == [("C1", "2")]


def test_given_a_newer_order_with_too_few_when_credited_then_an_older_one_is_taken_back() -> None:
    found = plan(
        csv_line(invoice="1"),
        csv_line(invoice="2", quantity=2, at="01/12/2010 09:00"),
        credit_line(),
    )
    assert [each.invoice for each in found.returns] == ["1"]


def test_given_all_of_an_order_when_credited_then_the_return_is_whole() -> None:
    assert [each.is_whole for each in plan(csv_line(), credit_line()).returns] == [True]


def test_given_some_of_an_order_when_credited_then_the_return_is_not_whole() -> None:
    assert [each.is_whole for each in plan(csv_line(), credit_line(quantity=-1)).returns] == [False]


def test_given_goods_credited_twice_when_sold_once_then_the_second_is_refused() -> None:
    found = plan(csv_line(), credit_line(), credit_line())
    assert [len(each.lines) for each in found.returns] == [1]
    assert [refusal.line for refusal in found.refused] == [4]


def test_given_another_customer_when_credited_then_it_is_refused() -> None:
    found = plan(csv_line(), credit_line(customer="1"))
    assert not found.returns
    assert [refusal.reason for refusal in found.refused] == [
        "takes goods back that no earlier order of the customer in this file has"
    ]


def test_given_no_customer_when_credited_then_nothing_is_guessed() -> None:
    found = plan(csv_line(customer=""), credit_line(customer=""))
    assert [refusal.reason for refusal in found.refused] == [
        "takes goods back of a customer the file doesn't name"
    ]


def test_given_an_order_after_it_when_credited_then_it_is_refused() -> None:
    found = plan(csv_line(at="03/12/2010 10:00"), credit_line())
    assert [refusal.line for refusal in found.refused] == [3]

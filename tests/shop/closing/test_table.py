"""The table reads well where there is no terminal: plain text, both numbers, ✓ or ✗."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from shop.closing.checks import Check, Closing, Tally
from shop.closing.table import print_closing


def printed(*checks: Check) -> str:
    output = StringIO()
    tallies = (Tally(name="orders", counts={"confirmed": 1234, "failed": 2}),)
    closing = Closing(title="The orders of this run", tallies=tallies, checks=checks)
    print_closing(Console(file=output, highlight=False), closing)
    return output.getvalue()


def test_given_all_is_well_when_printed_then_each_check_shows_both_numbers() -> None:
    text = printed(Check(name="charges", found=1234, expected=1234, expected_name="paid orders"))
    assert "orders   confirmed 1,234, failed 2" in text
    assert "✓  charges  1,234 = 1,234 paid orders" in text
    assert "✓ Everything adds up: 0 lost, 0 doubled, 0 oversold." in text


def test_given_a_fault_when_printed_then_it_is_named() -> None:
    check = Check(name="charges", found=3, expected=2, expected_name="paid orders", doubled=1)
    text = printed(check)
    assert "✗  charges  3 ≠ 2 paid orders (1 doubled)" in text
    assert "✗ It does not add up: 0 lost, 1 doubled, 0 oversold." in text


def test_given_no_terminal_when_printed_then_there_are_no_control_codes() -> None:
    text = printed(Check(name="charges", found=1, expected=1, expected_name="paid orders"))
    assert "\x1b" not in text

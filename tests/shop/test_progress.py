"""Progress is a few plain lines where there is no terminal, a bar where there is one."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from shop.progress import reporting


def test_given_no_terminal_when_reporting_then_only_the_first_and_last_line_of_a_quick_run() -> (
    None
):
    output = StringIO()
    with reporting(Console(file=output), "Placing orders", total=1000) as reporter:
        for done in range(1001):
            reporter.update(done, note="waiting" if done == 1000 else "")
    assert output.getvalue() == (
        "Placing orders: 0 of 1,000\nPlacing orders: 1,000 of 1,000, waiting\n"
    )


def test_given_a_terminal_when_reporting_then_the_bar_ends_full() -> None:
    output = StringIO()
    console = Console(file=output, force_terminal=True, width=100)
    with reporting(console, "Placing orders", total=10) as reporter:
        reporter.update(10, note="confirmed 10")
    assert "10/10" in output.getvalue()

"""The closing table as people read it: on a terminal, in a log, in a mail."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shop.closing.checks import Check, Closing, Tally


def print_closing(console: Console, closing: Closing) -> None:
    """Print the tallies, every check with ✓ or ✗ and both numbers, and one line to remember."""
    console.print()
    console.print(Text(closing.title, style="bold"))
    console.print(_table(closing))
    console.print(_summary(closing))


def _table(closing: Closing) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for tally in closing.tallies:
        table.add_row("", tally.name, _counts(tally))
    for check in closing.checks:
        table.add_row(_mark(check.ok), check.name, _numbers(check))
    return table


def _counts(tally: Tally) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in tally.counts.items()) or "none"


def _mark(ok: bool) -> Text:
    return Text("✓", style="green") if ok else Text("✗", style="bold red")


def _numbers(check: Check) -> str:
    sign = "=" if check.found == check.expected else "≠"
    numbers = f"{check.found:,} {sign} {check.expected:,} {check.expected_name}"
    faults = {
        "lost": check.lost,
        "doubled": check.doubled,
        "oversold": check.oversold,
    }
    found = ", ".join(f"{count:,} {name}" for name, count in faults.items() if count)
    return f"{numbers} ({found})" if found else numbers


def _summary(closing: Closing) -> Text:
    verdict = f"{closing.lost:,} lost, {closing.doubled:,} doubled, {closing.oversold:,} oversold"
    if closing.ok:
        return Text(f"✓ Everything adds up: {verdict}.", style="bold green")
    return Text(f"✗ It does not add up: {verdict}.", style="bold red")

"""An audit as people read it on a terminal or in a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shop.auditor.auditing import Checked
from shop.auditor.breaches import Breach


def print_audit(
    console: Console, checked: Sequence[Checked], first: Mapping[str, Sequence[Breach]]
) -> None:
    """Every invariant with ✓ or ✗ and its count, the first breaches of each, and one last line."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(overflow="fold")
    for each in checked:
        mark = Text("✓", style="green") if each.ok else Text("✗", style="bold red")
        count = "" if each.ok else f"{each.breaches:,}"
        table.add_row(mark, each.invariant.name, count, Text(each.invariant.sentence))
        for breach in first.get(each.invariant.name, ()):
            table.add_row("", "", "", Text(_told(breach), style="red"))
    console.print(table)
    console.print(summary(checked))


def print_breach(console: Console, breach: Breach) -> None:
    """One line, for commands that are about something else."""
    console.print(Text(f"✗ {breach.invariant}: {_told(breach)}", style="red"))


def summary(checked: Sequence[Checked]) -> Text:
    """`✓ audit: 33 invariants hold (0.2 s)`"""
    seconds = sum(each.seconds for each in checked)
    broken = [each for each in checked if not each.ok]
    if not broken:
        return Text(f"✓ audit: {len(checked)} invariants hold ({seconds:.1f} s)", style="green")
    breaches = sum(each.breaches for each in broken)
    stuck = sum(each.stuck for each in broken)
    waiting = f", {stuck:,} of them only wait for a person" if stuck else ""
    return Text(
        f"✗ audit: {len(broken)} of {len(checked)} invariants are broken, "
        f"{breaches:,} breaches{waiting} ({seconds:.1f} s)",
        style="bold red",
    )


def _told(breach: Breach) -> str:
    job = ""
    if breach.job_id:
        attempt = f", attempt {breach.attempt}" if breach.attempt else ""
        job = f"; job {breach.job_id}{attempt}"
    link = f"; {breach.link}" if breach.link else ""
    return f"{breach.subject}: expected {breach.expected}, found {breach.found}{job}{link}"

"""What a replay tells its reader besides the closing table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shop.closing.checks import Check
from shop.replay.plan import Plan
from shop.replay.playing import Played
from shop.replay.refusals import Refusal, by_reason


def print_plan(console: Console, plan: Plan, *, name: str) -> None:
    """What the file turned out to hold."""
    ordered = sum(len(order.lines) for order in plan.orders)
    returned = sum(len(each.lines) for each in plan.returns)
    console.print(
        f"{name}: {plan.line_count:,} lines, {len(plan.products):,} products, "
        f"{len(plan.orders):,} orders ({ordered:,} lines), "
        f"{len(plan.returns):,} returns ({returned:,} lines), "
        f"{len(plan.refused):,} lines refused",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def print_played(console: Console, played: Played) -> None:
    """What was done with it."""
    console.print()
    done = [
        (played.placed, "orders placed"),
        (played.placed_before, "orders were placed by an earlier run"),
        (played.refused_orders, "orders refused by the shop"),
        (played.cancelled, "orders cancelled by credit notes"),
        (played.cancelled_beyond, "of them whole, though the file takes only a part of them back"),
        (played.cancelled_before, "credit notes for orders that were cancelled already"),
    ]
    for count, what in done:
        if count:
            console.print(f"{count:>7,} {what}", highlight=False)


def print_refused(console: Console, refused: Sequence[Refusal]) -> None:
    """The refused lines by reason, with where to find them."""
    if not refused:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("refused", justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    table.add_column("lines of the file", overflow="fold")
    for count in by_reason(refused):
        table.add_row(f"{len(count.lines):,}", Text(count.reason), count.places())
    console.print()
    console.print(table)


def checks(file: Plan, part: Plan, played: Played, *, placed: int) -> list[Check]:
    """What only a replay can check: the file against `part`, what of it was replayed, and
    against the orders `placed` in the shop."""
    ordered = sum(len(order.lines) for order in file.orders)
    returned = sum(len(each.lines) for each in file.returns)
    understood = ordered + returned + len(file.refused)
    wanted = len(part.orders) - played.refused_orders
    return [
        Check(
            name="lines ordered, returned or refused",
            found=understood,
            expected=file.line_count,
            expected_name="lines in the file",
            lost=max(0, file.line_count - understood),
        ),
        Check(
            name="orders in the shop",
            found=placed,
            expected=wanted,
            expected_name="invoices accepted",
            lost=max(0, wanted - placed),
            doubled=max(0, placed - wanted),
        ),
    ]

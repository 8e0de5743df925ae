"""A sale on a terminal: a panel that moves while a command waits for the orders' end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from inventory.models import Product
from shop.progress import Reporter, reporting
from shop.sale.score import Score, score_of


class Scoreboard:
    """Reads the score anew whenever it is told that something may have moved."""

    def __init__(self, live: Live, product: Product, total: int) -> None:
        self._live, self._product, self._total = live, product, total

    def update(self, done: int, *, note: str = "") -> None:
        score = score_of(self._product)
        self._live.update(panel(self._product, score, done, self._total), refresh=True)


@contextmanager
def scoreboard(console: Console, product: Product, *, total: int) -> Iterator[Reporter]:
    """A reporter for the block: the panel if `console` is a terminal, else lines."""
    if not console.is_terminal:
        with reporting(console, "Orders at their end", total=total) as reporter:
            yield reporter
        return
    with Live(console=console, auto_refresh=False) as live:
        yield Scoreboard(live, product, total)


def panel(product: Product, score: Score, done: int, total: int) -> Panel:
    figures = Table.grid(padding=(0, 3))
    figures.add_row(
        _figure(score.confirmed, "confirmed", "green"),
        _figure(score.sold_out, "told “sold out”", "red"),
        _figure(score.waiting, "waiting", "yellow"),
        _figure(round(score.per_s), "orders ended a second", "cyan"),
    )
    figures.add_row(
        _figure(score.units_sold, "units sold", "green"),
        _figure(score.units_held, "set aside", "yellow"),
        _figure(score.units_left, "left", "bold"),
        _figure(score.jobs, "jobs under way", "cyan"),
    )
    bar = ProgressBar(total=max(total, 1), completed=done)
    return Panel(Group(bar, Text(), figures), title=product.name, title_align="left")


def _figure(value: int, name: str, style: str) -> Text:
    shown = f"{value:,}"
    return Text.assemble((f"{shown:>7}", style), " ", (name, "dim"))

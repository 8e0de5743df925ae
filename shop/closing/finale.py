"""How a command that placed many orders ends: it waits for them, then shows that all adds up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import environ
from django.core.management.base import CommandError
from django.db.models import QuerySet
from rich.console import Console

from orders.models import Order
from shop.closing.checks import Check
from shop.closing.report import closing_of
from shop.closing.table import print_closing
from shop.closing.watching import Stalled, left_alone, watch
from shop.progress import Reporter, reporting


class Finale:
    """The end of a run over `orders`, told on `console`."""

    def __init__(self, console: Console, orders: QuerySet[Order], *, stall_s: float) -> None:
        self._console = console
        self._orders = orders
        self._stall_s = stall_s

    def watch(
        self,
        *,
        meanwhile: Callable[[], bool] = lambda: False,
        show: AbstractContextManager[Reporter] | None = None,
    ) -> str:
        """Wait until every order and job has ended. Returns what hangs when nothing moves.

        `show` tells how far it is, instead of a bar.
        """
        total = self._orders.count()
        with show or reporting(self._console, "Orders at their end", total=total) as reporter:
            try:
                watch(self._orders, stall_s=self._stall_s, reporter=reporter, meanwhile=meanwhile)
            except Stalled as error:
                return str(error)
        return ""

    def close(self, *, title: str, also: Sequence[Check] = (), stalled: str = "") -> None:
        """Print the table for these orders, then, if there are others, for all of the shop's that
        nobody works on.

        Raises `CommandError`, so that the command's exit code is 1, when something doesn't add up.
        """
        maildir = mail_dir()
        ran = closing_of(self._orders, title=title, maildir=maildir, also=also)
        print_closing(self._console, ran)
        sound = ran.ok and self._whole_shop_is_sound(maildir)
        if stalled:
            raise CommandError(f"{stalled} Are the dispatcher and the workers running?")
        if not sound:
            raise CommandError("Not everything adds up: see the lines with ✗.")

    def _whole_shop_is_sound(self, maildir: Path | None) -> bool:
        """Dead jobs of another day are shown, but are no fault of this run."""
        if self._orders.count() == Order.objects.count():
            return True
        shop = closing_of(left_alone(Order.objects.all()), title="The whole shop", maildir=maildir)
        print_closing(self._console, shop)
        return not (shop.lost or shop.doubled or shop.oversold)


def mail_dir() -> Path | None:
    """The mail sink's Maildir (MAIL_DIR), if there is one to count in."""
    path = environ.Env().str("MAIL_DIR", default="")
    return Path(path) if path else None

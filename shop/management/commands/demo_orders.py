"""`manage.py demo_orders`: places real orders and watches them to the end."""

from __future__ import annotations

import secrets
import sys
from argparse import ArgumentParser
from random import Random
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from rich.console import Console

from orders.errors import OrderRefused
from orders.models import Order
from shop.closing.checks import Check
from shop.closing.finale import Finale
from shop.demo import crowd, flash
from shop.demo.shopping import Wish, flash_wishes, wishes
from shop.management.arguments import positive, whole
from shop.progress import console_on, reporting
from shop.sale.live import scoreboard
from tasks.locks import LockTimeout, LockUnavailable

STALL_S = 90.0
"""Longer than the slowest payment method: a provider that never answers, and the retry after it."""


class Command(BaseCommand):
    help = (
        "Places orders over the catalogue, paid in every way the sandbox provider knows (most "
        "well, some declined, slow or failing), watches them to their end and prints a table "
        "that must add up. --flash: a crowd wants a product of which there are too few."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--orders", type=whole, default=40, metavar="N", help="default: %(default)s"
        )
        parser.add_argument("--flash", action="store_true", help="A flash sale instead.")
        parser.add_argument(
            "--buyers", type=whole, default=300, metavar="N", help="with --flash: %(default)s"
        )
        parser.add_argument(
            "--units", type=whole, default=100, metavar="N", help="with --flash: %(default)s"
        )
        parser.add_argument(
            "--stall-timeout",
            type=positive,
            default=STALL_S,
            metavar="S",
            help="Give up when nothing has moved for S seconds (default: %(default)g).",
        )
        parser.add_argument("--seed", type=int, help="The same baskets again.")

    def handle(self, *args: Any, **options: Any) -> None:
        console = console_on(options.get("stdout"))
        run = secrets.token_hex(4)
        try:
            if options["flash"]:
                _flash(console, run, options)
            else:
                _shop(console, run, options)
        except OrderRefused as refused:
            raise CommandError(f"The shop refused an order: {refused}") from refused
        except (LockTimeout, LockUnavailable) as error:
            raise CommandError(f"Redis can't be asked for a lock: {error}") from error
        except KeyboardInterrupt:
            console.print("\nStopped watching. The orders placed so far go on without it.")
            sys.exit(130)  # what a shell reports for Ctrl-C


def _shop(console: Console, run: str, options: dict[str, Any]) -> None:
    skus = crowd.on_offer()
    if not skus:
        raise CommandError("There is nothing to buy. Run `manage.py seed_catalogue` first.")
    seed = options["seed"] if options["seed"] is not None else secrets.randbits(32)
    wanted = wishes(run=run, skus=skus, count=options["orders"], random=Random(seed))  # noqa: S311  (baskets, not secrets)
    finale = _place(console, run, wanted, options)
    finale.close(title="The orders of this run", stalled=finale.watch())


def _flash(console: Console, run: str, options: dict[str, Any]) -> None:
    units, buyers = options["units"], options["buyers"]
    product = flash.prepare(units=units, run=run)
    console.print(f"Flash sale: {buyers:,} customers want one of {units:,} units")
    page = reverse("sale", args=[product.sku])
    console.print(f"Watch it in the browser: {settings.SITE_URL}{page} (sign in as admin)")
    finale = _place(console, run, flash_wishes(run=run, sku=product.sku, count=buyers), options)
    stalled = finale.watch(show=scoreboard(console, product, total=buyers))
    checks: list[Check] = flash.checks(product=product, run=run, units=units, buyers=buyers)
    finale.close(title="The flash sale", also=checks, stalled=stalled)


def _place(console: Console, run: str, wanted: list[Wish], options: dict[str, Any]) -> Finale:
    with reporting(console, "Placing orders", total=len(wanted)) as reporter:
        crowd.place(wanted, reporter)
    orders = Order.objects.filter(source__startswith=f"demo:{run}:")
    return Finale(console, orders, stall_s=options["stall_timeout"])

"""`manage.py replay_orders FILE`: a week of a real shop's orders through this one."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError
from rich.console import Console

from shop.closing.finale import Finale
from shop.closing.watching import Stalled
from shop.management.arguments import percentage, positive, whole
from shop.progress import console_on, reporting
from shop.replay import importing, report
from shop.replay.lines import NotOrderLines
from shop.replay.pace import Pace
from shop.replay.plan import Plan, read_plan
from shop.replay.playing import Played, Player, orders_of
from shop.replay.refusals import Refusal, write_csv
from tasks.locks import LockTimeout, LockUnavailable, lock

IN_FLIGHT = 40
"""Orders between placed and ended: enough to keep a dozen worker processes busy."""

STALL_S = 120.0
"""Longer than a payment provider's timeout and the first retries after it."""


class Command(BaseCommand):
    help = (
        "Imports a CSV of real order lines (the UCI Online Retail format) as catalogue, replays "
        "its invoices as orders, waits for their jobs and prints a table that must add up. "
        "Stopped with Ctrl-C, it goes on where it was when started again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--speed",
            type=positive,
            metavar="N",
            help="Follow the invoices' times, N times faster than real time (3600: an hour a "
            "second). Default: as fast as the workers keep up.",
        )
        parser.add_argument("--limit", type=whole, metavar="N", help="Only the first N orders.")
        parser.add_argument(
            "--scarce",
            type=percentage,
            default=1.0,
            metavar="PERCENT",
            help="Share of products of which only half as much is in stock as the file sells, so "
            "that some orders must be told “sold out” (default: %(default)g).",
        )
        parser.add_argument(
            "--in-flight",
            type=whole,
            default=IN_FLIGHT,
            metavar="N",
            help="Orders that may be under way at once (default: %(default)s).",
        )
        parser.add_argument(
            "--stall-timeout",
            type=positive,
            default=STALL_S,
            metavar="S",
            help="Give up when nothing has moved for S seconds (default: %(default)g).",
        )
        parser.add_argument(
            "--refused", type=Path, metavar="CSV", help="Write every refused line to this file."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        console = console_on(options.get("stdout"))
        try:
            file = read_plan(options["file"])
            with lock("replay", ttl=30, wait=0):
                _replay(console, file, options)
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from error
        except NotOrderLines as error:
            raise CommandError(f"{options['file']}: {error}") from error
        except LockTimeout as error:
            raise CommandError(
                "Another replay is running. If it was killed, try again in half a minute."
            ) from error
        except LockUnavailable as error:
            raise CommandError(f"Redis can't be reached: {error}. {GO_ON}") from error
        except OperationalError as error:
            raise CommandError(f"PostgreSQL can't be reached: {error}. {GO_ON}") from error
        except KeyboardInterrupt:
            console.print(f"\nStopped. What is placed goes on without this command. {GO_ON}")
            sys.exit(130)  # what a shell reports for Ctrl-C


GO_ON = "Start the same command again to go on."


def _replay(console: Console, file: Plan, options: dict[str, Any]) -> None:
    part = file.limited(options["limit"])
    report.print_plan(console, file, name=options["file"].name)
    _import(console, part, scarce_percent=options["scarce"])
    finale = Finale(console, orders_of(part), stall_s=options["stall_timeout"])
    played, stalled = _play(console, part, finale, options)
    refused = [*file.refused, *played.refused]
    report.print_played(console, played)
    report.print_refused(console, refused)
    _write_refused(console, refused, options["refused"])
    checks = report.checks(file, part, played, placed=orders_of(part).count())
    finale.close(title="The replayed orders", also=checks, stalled=stalled)


def _import(console: Console, part: Plan, *, scarce_percent: float) -> None:
    items = importing.needed(part)
    new = importing.import_products(items)
    with reporting(console, "Stocking the shelves", total=len(items)) as reporter:
        units = importing.receive_opening_stock(
            items, digest=part.digest, scarce_percent=scarce_percent, reporter=reporter
        )
    console.print(f"{new:,} products are new to the shop; {units:,} units received")


def _play(
    console: Console, part: Plan, finale: Finale, options: dict[str, Any]
) -> tuple[Played, str]:
    """Play to the end. Says what was done and, if it got stuck, how."""
    with reporting(console, "Placing orders", total=len(part.orders)) as reporter:
        player = Player(
            part,
            pace=_pace(part, options["speed"]),
            in_flight=options["in_flight"],
            stall_s=options["stall_timeout"],
            reporter=reporter,
        )
        try:
            player.play()
        except Stalled as error:
            return player.played, str(error)
    return player.played, finale.watch(meanwhile=player.settle_returns)


def _pace(part: Plan, speed: float | None) -> Pace:
    """A replay that goes on starts its clock at the first order it has not placed yet."""
    known = set(orders_of(part).values_list("source", flat=True))
    fresh = (order.at for order in part.orders if order.source not in known)
    return Pace(first=next(fresh, None), speed=speed)


def _write_refused(console: Console, refused: list[Refusal], path: Path | None) -> None:
    if path is not None:
        write_csv(refused, path)
        console.print(f"Refused lines: {path}")

"""`manage.py audit`: do the shop's records agree with each other?"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from shop.auditor.auditing import Checked, audit
from shop.auditor.breaches import Breach
from shop.auditor.invariants import (
    Invariant,
    UnknownInvariant,
    invariants,
    named,
    provider_invariants,
)
from shop.auditor.table import print_audit
from shop.management.arguments import whole
from shop.progress import console_on


class Command(BaseCommand):
    help = (
        "Checks every invariant of the shop against one moment of the database, while the shop "
        "goes on, and names the job and the attempt behind each breach. Writes nothing. Exit code "
        "1 when there is a breach."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--invariant",
            action="append",
            metavar="NAME",
            help="Only this one (stock.on_hand) or this family (stock); may be repeated.",
        )
        parser.add_argument(
            "--provider",
            action="store_true",
            help="Also compare with the sandbox provider's own books.",
        )
        parser.add_argument(
            "--first",
            type=whole,
            default=5,
            metavar="N",
            help="Breaches shown of each invariant (default: %(default)s).",
        )
        parser.add_argument(
            "--json",
            action="store_true",
            help="JSON Lines instead: one for every breach, then one for every invariant.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _chosen(options["invariant"], provider=options["provider"])
        checked = (
            self._write_json(chosen)
            if options["json"]
            else _show(chosen, options["first"], options.get("stdout"))
        )
        if not all(each.ok for each in checked):
            sys.exit(1)

    def _write_json(self, chosen: Sequence[Invariant]) -> Sequence[Checked]:
        def line(values: dict[str, Any]) -> None:
            self.stdout.write(json.dumps(values, ensure_ascii=False))

        checked = audit(chosen, on_breach=lambda breach: line(breach.as_json()))
        for each in checked:
            line(
                {
                    "invariant": each.invariant.name,
                    "sentence": each.invariant.sentence,
                    "breaches": each.breaches,
                    "stuck": each.stuck,
                    "seconds": round(each.seconds, 3),
                }
            )
        return checked


def _chosen(names: Sequence[str] | None, *, provider: bool) -> tuple[Invariant, ...]:
    try:
        chosen = named(names) if names else invariants()
    except UnknownInvariant as error:
        raise CommandError(str(error)) from error
    wanted = tuple(dict.fromkeys((*chosen, *(provider_invariants() if provider else ()))))
    if settings.PAYMENT_GATEWAY != "sandbox" and set(wanted) & set(provider_invariants()):
        raise CommandError(
            f"Only the sandbox provider's books are open to us; PAYMENT_GATEWAY is "
            f"{settings.PAYMENT_GATEWAY!r}."
        )
    return wanted


def _show(chosen: Sequence[Invariant], first: int, stdout: Any) -> Sequence[Checked]:
    shown: dict[str, list[Breach]] = defaultdict(list)

    def keep(breach: Breach) -> None:
        if len(shown[breach.invariant]) < first:
            shown[breach.invariant].append(breach)

    checked = audit(chosen, on_breach=keep)
    print_audit(console_on(stdout), checked, shown)
    return checked

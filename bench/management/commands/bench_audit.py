"""`manage.py bench_audit`: what `./run bench audit` runs on its servers."""

from __future__ import annotations

import resource
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from rich.console import Console

from bench import comparing
from bench.servers import settings_of
from orders.models import Order
from shop.auditor.auditing import audit
from shop.auditor.breaches import Breach
from shop.auditor.invariants import invariants, provider_invariants
from shop.auditor.table import summary
from tasks.statements import SqlFolder

SQL = SqlFolder(Path(__file__).resolve().parents[2] / "sql")
TIMES = 3


class Command(BaseCommand):
    help = "Measures the auditor. Start it with ./run bench audit: it wants an empty database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--orders", type=int, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(highlight=False)
        call_command("migrate", verbosity=0)
        if Order.objects.exists():
            raise CommandError("This database has orders. It is not one for a benchmark.")
        console.print(f"Writing {options['orders']:,} orders")
        SQL.run("many_orders", {"orders": options["orders"]})
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        for _ in range(TIMES):
            _measure(console)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        console.print(f"peak memory of this process: {peak_mb:.0f} MB")
        about = settings_of(comparing.dsn())
        console.print("PostgreSQL: " + ", ".join(f"{key} {about[key]}" for key in sorted(about)))


def _measure(console: Console) -> None:
    found: list[Breach] = []
    checked = audit((*invariants(), *provider_invariants()), on_breach=found.append)
    slowest = sorted(checked, key=lambda each: -each.seconds)[:5]
    console.print(summary(checked))
    console.print(
        "  slowest: " + ", ".join(f"{each.invariant.name} {each.seconds:.2f} s" for each in slowest)
    )
    if found:
        raise CommandError(f"The orders that were written are not sound: {found[0]}")

"""`manage.py bench_jobs`: what `./run bench jobs` runs on its servers. Empties the job ledger."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from rich.console import Console

from bench import comparing, results
from bench.servers import settings_of


class Command(BaseCommand):
    help = "Measures the job platform. Start it with ./run bench jobs: it empties the job ledger."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--procrastinate", type=Path, metavar="PYTHON")
        parser.add_argument("--markdown", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = 110  # a log has no width of its own
        call_command("migrate", verbosity=0)
        dsn = comparing.dsn()
        rows = comparing.compare(console, procrastinate=options["procrastinate"])
        console.print()
        results.print_table(console, rows)
        about = ", ".join(f"{name} {value}" for name, value in sorted(settings_of(dsn).items()))
        console.print(f"PostgreSQL: {about}")
        if options["markdown"]:
            options["markdown"].write_text(results.markdown(rows) + "\n")

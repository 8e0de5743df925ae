"""`manage.py bench_flash`: what `./run bench flash` runs on its servers. Fills their database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from rich.console import Console

from bench import flash_comparing, results


class Command(BaseCommand):
    help = "Measures crowds at one product. Start it with ./run bench flash, on servers of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--markdown", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(highlight=False)
        call_command("migrate", verbosity=0)
        rows = flash_comparing.compare(console)
        results.print_table(console, rows)
        if options["markdown"]:
            options["markdown"].write_text(results.markdown(rows) + "\n")

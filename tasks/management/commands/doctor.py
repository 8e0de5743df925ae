"""`manage.py doctor`: asks the running servers whether all is as the platform needs it."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError
from rich.table import Table
from rich.text import Text

from tasks import terminal
from tasks.doctor import Result, examine


class Command(BaseCommand):
    help = "Examine the running stack. Exit code 1 when something must be done."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, json: bool, **options: Any) -> None:
        current_app.loader.import_default_modules()  # every task is looked at
        results = examine()
        ill = [result for result in results if not result.healthy]
        if json:
            record = {
                "healthy": not ill,
                "checks": [{**asdict(each), "healthy": each.healthy} for each in results],
            }
            self.stdout.write(terminal.as_json(record))
        else:
            terminal.console(self.stdout).print(_page(results))
        if ill:
            raise CommandError(f"{len(ill)} of {len(results)} checks found a problem.")
        if not json:
            self.stdout.write(f"All {len(results)} checks are well.")


def _page(results: list[Result]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in results:
        sign = (
            ("✗", "red")
            if not each.healthy
            else ("!", "yellow")
            if each.problems
            else ("✓", "green")
        )
        line = Text(each.about)
        for problem in each.problems:
            line.append(f"\n{problem.what}", style=sign[1])
            line.append(f"\n→ {problem.do}")
        table.add_row(Text(sign[0], style=sign[1]), line)
    return table

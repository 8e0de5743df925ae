"""`manage.py sync_stock SUPPLIER`: a stock sync with its progress and its report."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any, Self

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from inventory import jobs, reports
from inventory.errors import InventoryError
from inventory.models import Supplier, SyncRun
from inventory.sync import sync_supplier
from shop.management.arguments import positive
from shop.progress import Reporter, console_on, reporting
from tasks.locks import LockError
from tasks.models import FINAL_STATES, Job

LOOK_EVERY_S = 0.3
STALL_S = 120.0
"""Longer than a supplier's slowest answer."""


class Command(BaseCommand):
    help = (
        "Start a supplier's stock sync, as a job, and watch it to its end. --now: in this process, "
        "without a worker. Ends with 1 when the sync failed and with 2 when it is held."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("supplier", help="its name")
        parser.add_argument("--now", action="store_true", help="in this process")
        parser.add_argument(
            "--stall-timeout",
            type=positive,
            default=STALL_S,
            metavar="S",
            help="Stop watching when nothing has moved for S seconds (default: %(default)g).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        console = console_on(options.get("stdout"))
        supplier = _supplier(options["supplier"])
        try:
            with Phases(console) as phases:
                if options["now"]:
                    run = sync_supplier(supplier_id=supplier.pk, tell=phases.tell)
                else:
                    run = _watch(supplier, phases, stall_s=options["stall_timeout"])
        except (InventoryError, LockError) as error:
            raise CommandError(f"{type(error).__name__}: {error}") from error
        except KeyboardInterrupt:
            console.print("\nStopped. A job goes on without this; with --now, start it again.")
            sys.exit(130)  # what a shell reports for Ctrl-C
        _report(console, run)


class Phases:
    """A bar for each phase of a sync, one below the other."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open = ExitStack()
        self._phase: SyncRun.Phase | None = None
        self._reporter: Reporter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def tell(self, phase: SyncRun.Phase, done: int, total: int) -> None:
        if phase != self._phase and total:
            self._open.close()
            title = str(phase.label).capitalize()
            self._reporter = self._open.enter_context(reporting(self._console, title, total=total))
            self._phase = phase
        if self._reporter:
            self._reporter.update(done)


def _supplier(name: str) -> Supplier:
    try:
        return Supplier.objects.get(name=name)
    except Supplier.DoesNotExist:
        names = ", ".join(Supplier.objects.values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no supplier {name!r}. There are: {names}.") from None


def _watch(supplier: Supplier, phases: Phases, *, stall_s: float) -> SyncRun:
    """Start the job and tell its progress until it has ended. Raises `CommandError`."""
    job_id = jobs.enqueue_sync(supplier.pk)
    seen: tuple[object, ...] = ()
    moved_at = time.monotonic()
    while True:
        job = Job.objects.get(pk=job_id)
        run = SyncRun.objects.filter(job_id=job_id).order_by("-pk").first()
        if run:
            _tell(run, phases)
        if job.state in FINAL_STATES:
            break
        now = (job.state, job.attempt, run and (run.phase, run.rows_staged, run.rows_done))
        if now != seen:
            seen, moved_at = now, time.monotonic()
        elif time.monotonic() - moved_at > stall_s:
            raise CommandError(
                f"Nothing has moved for {stall_s:g} s; job {job_id} is {job.state}. Is a worker "
                "of the queue stock running? The job stays and goes on without this."
            )
        time.sleep(LOOK_EVERY_S)
    if run is None or run.state not in (SyncRun.State.DONE, SyncRun.State.HELD):
        raise CommandError(f"The sync is {job.state}: {job.error or 'see its job'}")
    return run


def _tell(run: SyncRun, phases: Phases) -> None:
    phase = SyncRun.Phase(run.phase)
    if phase == SyncRun.Phase.FETCH:
        phases.tell(phase, run.rows_staged, run.rows_total or 0)
    else:
        phases.tell(phase, run.rows_done, run.rows_staged)


def _report(console: Console, run: SyncRun) -> None:
    figures = reports.summary(run)
    table = Table(title=f"Run {run.pk}: {run.state}", title_justify="left", show_header=False)
    for name in ("rows", "added", "changed", "unchanged", "outdated", "errors"):
        table.add_row(name, f"{getattr(figures, name):,}")
    if figures.seconds is not None:
        table.add_row("seconds", f"{figures.seconds:,.1f}")
    console.print(table)
    for error in run.row_errors.all()[:10]:
        console.print(f"✗ line {error.line}: {error.sku} {error.reason}", markup=False)
    if run.state == SyncRun.State.HELD:
        for problem in run.problems:
            console.print(f"✗ {problem}", markup=False)
        raise CommandError("Nothing was changed: the run is held for a person.", returncode=2)

"""`manage.py locks`: who holds which lock and who waits; `--release KEY` takes one away."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from tasks import audit_log
from tasks.locks import wording
from tasks.locks.default import default_locker
from tasks.locks.errors import LockError
from tasks.locks.forcing import force_release
from tasks.locks.inspection import Found, LockInfo, find_locks, lock_info
from tasks.locks.metrics import COUNTERS, LockMetrics, totals

SHOWN = 1000
PAGE_CHARS = 140
"""Width of the table in logs and files, which have none of their own."""


class Command(BaseCommand):
    help = "Show the locks that are held and their waiters, or release one by force."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", nargs="?", default="", help="only keys that contain this")
        parser.add_argument("--release", metavar="KEY", help="take this lock from its holder")
        parser.add_argument("--reason", default="", help="why, for the audit log")
        parser.add_argument(
            "--metrics", action="store_true", help="what the locks of all processes did so far"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, key: str, release: str | None, **options: Any) -> None:
        as_json: bool = options["json"]
        try:
            if options["metrics"]:
                self._show_metrics(as_json=as_json)
            elif release:
                self._release(release, options["reason"], as_json=as_json)
            else:
                self._show(find_locks(default_locker(), key=key, limit=SHOWN), as_json=as_json)
        except (LockError, ValueError) as error:
            raise CommandError(str(error)) from error

    def _show(self, found: Found, *, as_json: bool) -> None:
        if as_json:
            self._print({"complete": found.complete, "locks": [asdict(x) for x in found.locks]})
            return
        console = self._console()
        if found.locks:
            console.print(_table(found))
        more = "" if found.complete else " There are more: give a part of the key."
        console.print(f"{len(found.locks)} held, {found.waiting} waiting.{more}")

    def _release(self, key: str, reason: str, *, as_json: bool) -> None:
        """From all that hold it now."""
        lock = lock_info(default_locker(), key)
        released = [
            holder
            for holder in (lock.holders if lock else ())
            if force_release(default_locker(), key, holder, actor=audit_log.shell(), reason=reason)
        ]
        if not released:
            raise CommandError(f"Nobody holds {key}.")
        if as_json:
            self._print({"key": key, "released": [asdict(holder) for holder in released]})
            return
        for holder in released:
            who = wording.process(holder.owner)
            self.stdout.write(f"Released {key}, held for {wording.age(holder)} by {who}.")

    def _show_metrics(self, *, as_json: bool) -> None:
        locker = default_locker()
        told = totals(locker.client, locker.prefix)
        if as_json:
            self._print(told.to_fields())
        else:
            self._console().print(_counters(told), "", _durations(told))

    def _console(self) -> Console:
        console = Console(file=cast(IO[str], self.stdout), highlight=False)
        if not console.is_terminal:
            console.width = PAGE_CHARS
        return console

    def _print(self, value: object) -> None:
        self.stdout.write(json.dumps(value, indent=2))


def _counters(told: LockMetrics) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in COUNTERS:
        table.add_row(name, f"{getattr(told, name):,}")
    return table


def _durations(told: LockMetrics) -> Table:
    """The quantiles are bounds of buckets, so "at most"."""
    table = Table("", "mean", "half within", "9 of 10", "99 of 100", box=None, pad_edge=False)
    for name, histogram in (("wait", told.wait_s), ("hold", told.hold_s)):
        mean_s = histogram.total_s / histogram.count if histogram.count else 0.0
        within = [_milliseconds(histogram.quantile_s(share)) for share in (0.5, 0.9, 0.99)]
        table.add_row(name, _milliseconds(mean_s), *within)
    return table


def _milliseconds(seconds: float) -> str:
    return "longer" if seconds == float("inf") else f"{seconds * 1000:,.1f} ms"


def _table(found: Found) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("lock", "held by", "job", "for", "expires", "token"):
        table.add_column(column, overflow="fold")
    for lock in found.locks:
        _add(table, lock)
    return table


def _add(table: Table, lock: LockInfo) -> None:
    for holder in lock.holders:
        owner = holder.owner
        table.add_row(
            lock.key,
            wording.process(owner),
            owner.job if owner else holder.value,
            wording.age(holder),
            wording.expiry(holder),
            str(owner.token or "") if owner else "",
        )
    for place, waiter in enumerate(lock.waiters, start=1):
        job = waiter.owner.job if waiter.owner else ""
        waiting = f"waiting {wording.duration(waiter.waiting_s)}"
        table.add_row(f"  {place}.", wording.process(waiter.owner), job, waiting, "", "")
    if lock.waiting > len(lock.waiters):
        table.add_row(f"  … and {lock.waiting - len(lock.waiters)} more", "", "", "", "", "")

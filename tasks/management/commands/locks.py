"""`manage.py locks`: who holds which lock and who waits; `--release KEY` takes one away."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tasks.locks.default import default_locker
from tasks.locks.errors import LockError
from tasks.locks.inspection import LockInfo, WaiterInfo, force_release, held_locks


class Command(BaseCommand):
    help = "Show the locks that are held and their waiters, or release one by force."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", nargs="?", default="", help="only keys that contain this")
        parser.add_argument("--release", metavar="KEY", help="take this lock from its holder")
        parser.add_argument("--reason", default="", help="why, for the log")

    def handle(self, *args: Any, key: str, release: str | None, reason: str, **_: Any) -> None:
        try:
            if release:
                self._release(release, reason)
            else:
                self._show(key)
        except LockError as error:
            raise CommandError(str(error)) from error

    def _show(self, key: str) -> None:
        locks = sorted(held_locks(default_locker(), key=key), key=lambda lock: lock.key)
        for lock in locks:
            self.stdout.write(_line(lock))
            for place, waiter in enumerate(lock.waiters, start=1):
                self.stdout.write(f"    {place}. {_waiter(waiter)}")
        self.stdout.write(f"{len(locks)} held, {sum(len(lock.waiters) for lock in locks)} waiting")

    def _release(self, key: str, reason: str) -> None:
        by = f"{getpass.getuser()} (manage.py locks)"
        lock = force_release(default_locker(), key, by=by, reason=reason)
        if lock is None:
            raise CommandError(f"Nobody holds {key}.")
        self.stdout.write(f"Released: {_line(lock)}")


def _line(lock: LockInfo) -> str:
    age = f"held {lock.age_s:.1f} s" if lock.age_s is not None else "held by foreign code"
    ends = f"expires in {lock.ttl_s:.1f} s" if lock.ttl_s is not None else "never expires"
    if lock.owner is None:
        return f"{lock.key}  {age}, {ends}: {lock.value}"
    who = f"{lock.owner.host} pid {lock.owner.pid}"
    job = f" job {lock.owner.job}" if lock.owner.job else ""
    return f"{lock.key}  {age}, {ends}, token {lock.owner.token}: {who}{job}"


def _waiter(waiter: WaiterInfo) -> str:
    if waiter.owner is None:
        return f"waiting {waiter.waiting_s:.1f} s"
    job = f" job {waiter.owner.job}" if waiter.owner.job else ""
    who = f"{waiter.owner.host} pid {waiter.owner.pid}"
    return f"{who}{job}, waiting {waiter.waiting_s:.1f} s"

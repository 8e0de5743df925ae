"""Keeps claimed jobs alive while they run: one thread a process, asleep for short jobs.

A third into its lease a job's lease is renewed, and about once a second its newest progress is
written, on a connection of the thread's own: the job's transaction may be open for minutes. The
answer says whether somebody wants the job cancelled, or took it over; the job learns that at its
next `progress()` or `check()`. A process that is killed or stopped renews nothing, and the
dispatcher gives its jobs to others.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.db import Error, connection

from tasks import jobs
from tasks.conf import conf
from tasks.context import CurrentJob

logger = logging.getLogger(__name__)

PROGRESS_EVERY_S = 1.0


class Keeper:
    """The thread and the jobs it looks after. Belongs to the process that made it."""

    def __init__(self) -> None:
        self._jobs: set[CurrentJob] = set()
        self._lock = threading.Lock()
        self._something_held = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, job: CurrentJob) -> None:
        job.taken_at = time.monotonic()
        with self._lock:
            self._jobs.add(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="job-leases", daemon=True)
                self._thread.start()
        self._something_held.set()

    def remove(self, job: CurrentJob) -> None:
        with self._lock:
            self._jobs.discard(job)
            if not self._jobs:
                self._something_held.clear()

    def _run(self) -> None:
        while True:
            self._something_held.wait()
            time.sleep(PROGRESS_EVERY_S)
            for job in self._due():
                self._renew(job)
            if not self._something_held.is_set():
                connection.close()  # idle workers hold no second connection

    def _due(self) -> list[CurrentJob]:
        late = time.monotonic() - conf().lease_s / 3
        with self._lock:
            return [job for job in self._jobs if job.progress_changed or job.taken_at <= late]

    def _renew(self, job: CurrentJob) -> None:
        job.progress_changed = False
        started = time.monotonic()
        try:
            cancel_requested = jobs.renew(job)
        except Error as error:
            # The next round tries again; if none succeeds in time the job is taken over, rightly.
            logger.warning("Lease of %s not renewed: %s", job.id, error)
            connection.close()
            return
        job.taken_at = started
        job.superseded = cancel_requested is None
        job.cancel_requested = bool(cancel_requested)


@cache
def _keeper_of(pid: int) -> Keeper:  # a fork has the parent's object but not its thread
    return Keeper()


@contextmanager
def keeping(job: CurrentJob) -> Iterator[None]:
    """Renew the job's lease until the block ends."""
    keeper = _keeper_of(os.getpid())
    keeper.add(job)
    try:
        yield
    finally:
        keeper.remove(job)

"""How a sync tells how far it is, and learns that it should stop or step aside."""

from __future__ import annotations

import time
from typing import Protocol

from inventory.conf import conf
from inventory.models import SyncRun
from tasks import jobs
from tasks.context import current_job
from tasks.outcomes import Snooze

LOOK_EVERY_S = 1.0  # so much is done between two looks at who waits: a busy shop only slows a sync


class Tell(Protocol):
    """Called between the steps of a sync, never while it holds a lock of a product."""

    def __call__(self, phase: SyncRun.Phase, done: int, total: int) -> None: ...


def tell_the_job(phase: SyncRun.Phase, done: int, total: int) -> None:
    """Here a job also learns that it was cancelled or superseded."""
    if job := current_job():
        job.progress(done=done, total=total, note=str(phase.label))


class Considerate:
    """Steps aside for jobs that matter more, when they wait too long.

    A job does so by a snooze. It costs no attempt, and gives its worker free, which may be the very
    one that the others wait for; a pause would keep it. Without a job there is no worker to free.
    """

    def __init__(self) -> None:
        self._look_at = time.monotonic() + LOOK_EVERY_S

    def step_aside(self) -> None:
        """Raises `Snooze` in a job, and pauses elsewhere, if others have waited too long."""
        if time.monotonic() < self._look_at:
            return
        if jobs.waiting(conf().gives_way_to, longer_than_s=conf().gives_way_after_s):
            if current_job():
                raise Snooze(conf().gives_way_for_s, "gives way to jobs that wait")
            time.sleep(conf().gives_way_for_s)
        self._look_at = time.monotonic() + LOOK_EVERY_S

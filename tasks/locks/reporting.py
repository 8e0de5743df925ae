"""Adds what the locks of this process did to the numbers of all processes, in one Redis hash.

Counting must cost a lock nothing, so nothing is sent where locks are taken: a thread of its own
sends every few seconds what has been added since, and the process' end sends the rest. A process
that is killed loses its last few seconds. While Redis is down the numbers wait; an answer that got
lost may count them twice. FLUSHALL starts the totals over, which readers of counters expect.

A forked child has a thread and numbers of its own, from zero.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import Any, Final

from tasks.locks.asking import asking
from tasks.locks.metrics import LockMetrics, lock_metrics

logger = logging.getLogger(__name__)

AGAIN_S = 5.0
"""Until the next try after one that failed, in seconds."""


@dataclass(frozen=True)
class Totals:
    """Where the numbers of all processes are, and how often to add ours."""

    client: Any
    key: str
    every_s: float


class Reporter:
    """Of one process."""

    def __init__(self, metrics: LockMetrics) -> None:
        self._metrics: Final = metrics
        self._mutex = threading.Lock()
        self._sent: dict[str, int | float] = {}
        self._thread: threading.Thread | None = None
        self.totals: Callable[[], Totals] | None = None
        """Set by `tasks.locks.default`, which knows the settings."""

    def begin(self) -> None:
        """Report from now on, until the process ends."""
        if self._thread is None:
            with self._mutex:
                self._begin()

    def _begin(self) -> None:
        if self._thread is None:  # no other thread was quicker
            self._thread = threading.Thread(target=self._run, name="locks-reporter", daemon=True)
            with suppress(RuntimeError):  # a lock that is taken while the process ends
                self._thread.start()
            # Unlike atexit's, these run in children of multiprocessing too.
            Finalize(None, self.finish, exitpriority=1)

    def report(self) -> None:
        """Send what has been counted since the last time.

        Raises `LockUnavailable`, `ImproperlyConfigured`; then it is sent the next time.
        """
        with self._mutex:
            now = self._metrics.to_fields()
            since = {name: now[name] - self._sent.get(name, 0) for name in now}
            added = {name: more for name, more in since.items() if more}
            if self.totals is None or not added:
                return
            totals = self.totals()
            with asking(), totals.client.pipeline(transaction=True) as pipeline:
                for name, more in added.items():
                    if isinstance(more, float):
                        pipeline.hincrbyfloat(totals.key, name, more)
                    else:
                        pipeline.hincrby(totals.key, name, more)
                pipeline.execute()
            self._sent = now

    def finish(self) -> None:
        """Send the rest, if that is possible."""
        try:
            self.report()
        except Exception as error:
            # A broken observer must not change how a process ends.
            logger.debug("The last numbers of the locks are lost: %s", error)

    def _run(self) -> None:
        failed = False
        while True:
            try:
                time.sleep(self.totals().every_s if self.totals and not failed else AGAIN_S)
                self.report()
                failed = False
            except Exception as error:
                # A broken observer must never disturb a lock; the numbers wait.
                if not failed:
                    logger.warning("The locks' numbers can't be reported yet: %s", error)
                failed = True

    def after_fork(self) -> None:
        """In the child."""
        self._metrics.start_over()
        self._mutex = threading.Lock()
        self._sent = {}
        self._thread = None


reporter: Final = Reporter(lock_metrics)

os.register_at_fork(after_in_child=reporter.after_fork)

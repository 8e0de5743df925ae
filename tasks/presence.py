"""What a worker tells about itself every few seconds, and how it hears that it should stop.

    the worker's row ◀── every BEAT_S: I am here, with this much memory, so many jobs done
                     ──▶ somebody wants you to stop: SIGTERM to itself, as from a supervisor

A thread of the worker's main process does it, on a connection of its own, so neither a long job
nor a broker that is away keeps the worker from telling and hearing. The main process also forks
the pool's processes, and a fork must not find the thread inside libpq, nor inherit its connection.
So each beat opens one and closes it again, and forks wait for its end.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from celery.worker import state
from celery.worker.consumer import Consumer
from django.db import connection, connections, transaction
from django.utils import timezone

from tasks.statements import SQL

logger = logging.getLogger(__name__)

BEAT_S = 3.0

PATIENCE_S = 3
"""For PostgreSQL in one beat; a fork of the pool may have to wait as long."""

_beating = threading.Lock()


class Presence:
    """One worker's thread."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer: Any = consumer  # whose type stubs lack half of what is told
        self._started_at = timezone.now()
        self._ended = threading.Event()
        self._stopping = False
        self._on_sigterm = signal.getsignal(signal.SIGTERM)
        self._thread = threading.Thread(target=self._run, name="worker-presence", daemon=True)

    def begin(self) -> None:
        os.register_at_fork(
            before=_beating.acquire,
            after_in_parent=_beating.release,
            after_in_child=_beating.release,
        )
        # Celery's own signal of the end is not sent after a soft shutdown. The pool's processes
        # end without exit handlers.
        atexit.register(self._end)
        self._thread.start()

    def _end(self) -> None:
        """The last word, so that nobody takes the worker for vanished."""
        self._ended.set()
        self._thread.join(timeout=2 * PATIENCE_S)

    def _run(self) -> None:
        _be_patient_only()
        while not self._ended.is_set():
            self._beat()
            self._ended.wait(BEAT_S)
        self._beat(ended_at=timezone.now())

    def _beat(self, ended_at: datetime | None = None) -> None:
        try:
            with _beating:
                try:
                    must_stop = self._tell(ended_at)
                finally:
                    connection.close()
        except Exception as error:  # whatever it is, the next beat may succeed
            logger.warning("The worker can't tell that it is here: %r", error)
            return
        if must_stop and not ended_at:
            self._stop()

    def _tell(self, ended_at: datetime | None) -> bool:
        with transaction.atomic():
            with connection.cursor() as cursor:
                timeout = f"{PATIENCE_S}s"
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [timeout])
            row = SQL.fetch_one("worker_beat", self._facts() | {"ended_at": ended_at})
        return bool(row and row[0])

    def _facts(self) -> dict[str, Any]:
        consumer, pool = self._consumer, self._consumer.pool
        return {
            "name": consumer.hostname,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started_at": self._started_at,
            "queues": sorted(consumer.app.amqp.queues.consume_from),
            "pool": type(pool).__module__.rpartition(".")[2],
            "concurrency": pool.limit,
            "prefetch": consumer.initial_prefetch_count,
            "memory": resident_bytes([os.getpid()]),
            "pool_memory": resident_bytes(_processes(pool)),
            "jobs": state.all_total_count[0] - len(state.active_requests),
            "stopping": self._is_stopping(),
        }

    def _is_stopping(self) -> bool:
        """Celery puts another handler in place while a soft shutdown is under way."""
        return (
            self._stopping
            or (state.should_stop, state.should_terminate) != (None, None)
            or signal.getsignal(signal.SIGTERM) is not self._on_sigterm
        )

    def _stop(self) -> None:
        """As a supervisor would: what runs may end within the soft shutdown, or is given back.

        Once, and not when another has asked already: a second SIGTERM would be taken as a command
        to drop everything.
        """
        if self._is_stopping():
            return
        self._stopping = True
        logger.warning("An operator asked this worker to stop")
        os.kill(os.getpid(), signal.SIGTERM)


def resident_bytes(pids: Iterable[int]) -> int | None:
    """Memory of these processes; pages that several share count in each. None where not known."""
    try:
        return sum(map(_resident_pages, pids)) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):  # no Linux, or a process has just ended
        return None


def _resident_pages(pid: int) -> int:
    """https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html"""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1])


def _processes(pool: Any) -> list[int]:
    """Those of a prefork pool that runs; other pools work in the main process."""
    found = getattr(getattr(pool, "_pool", None), "_pool", None)
    return [process.pid for process in found or [] if getattr(process, "pid", None)]


def _be_patient_only() -> None:
    """Have this thread's connections give up after PATIENCE_S.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
    """
    own = connections.create_connection("default")
    limits = {"connect_timeout": PATIENCE_S, "tcp_user_timeout": PATIENCE_S * 1000}
    options = {**own.settings_dict.get("OPTIONS", {}), **limits}
    own.settings_dict = {**own.settings_dict, "OPTIONS": options}
    connections["default"] = own

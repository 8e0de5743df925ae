"""Beat for the ledger: one beat runs, spare ones wait, and no slot of a schedule runs twice.

Three guards, each enough for its own kind of trouble:
- The turn: a beat works only while it holds a PostgreSQL advisory lock. It is held by an open
  transaction on a connection of its own, which PgBouncer in transaction mode serves too.
- The slot: each run carries its schedule's name and due time under a unique constraint, so a beat
  that was killed before it could save, or two that believe it is their turn, enqueue it once.
- The save: `beat_sync_every = 1`.

Declared schedules (`beat_schedule`) are created when their name is new and left alone ever after:
what an operator edits in the admin stays.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Any

from celery import Celery
from celery.schedules import schedule as interval_schedule
from django.db import Error, connections
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

logger = logging.getLogger(__name__)

# Any number that nothing else in the database uses for an advisory lock.
ONE_BEAT = 7_225_138

# A spare beat looks this often whether it is its turn, in seconds.
WAIT_S = 1.0


class Turn:
    """The right to be the one beat, for as long as its connection lives."""

    def __init__(self) -> None:
        self._connection = connections.create_connection("default")

    def wait(self) -> None:
        """Return when it is this process's turn. At once while it has it."""
        if self._still_mine():
            return
        logger.info("Waiting for the turn of beat")
        while not self._take():
            time.sleep(WAIT_S)
        logger.info("This is the beat now")

    def close(self) -> None:
        self._connection.close()

    def _still_mine(self) -> bool:
        if self._connection.connection is None:
            return False
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error:
            self._connection.close()
            return False
        return True

    def _take(self) -> bool:
        try:
            self._connection.set_autocommit(False)
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ONE_BEAT])
                row = cursor.fetchone()
        except Error as error:
            logger.warning("No turn of beat: %s", error)
            row = None
        if row and row[0]:
            return True
        self._connection.close()
        return False


class LedgerScheduler(DatabaseScheduler):  # type: ignore[misc]  # it has no types
    """django-celery-beat's scheduler with the three guards."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._turn = Turn()
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        self._turn.wait()
        create_missing(self.app)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        self._turn.wait()
        return super().tick(*args, **kwargs)

    def apply_async(
        self, entry: ModelEntry, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> Any:
        entry = self.reserve(entry) if advance else entry
        fired: datetime = entry.model.last_run_at  # when beat decided to run it, for both callers
        entry.options = {**entry.options, "slot": slot_of(entry.name, entry.schedule, fired)}
        return super().apply_async(entry, producer=producer, advance=False, **kwargs)

    def close(self) -> None:
        super().close()
        self._turn.close()


def create_missing(app: Celery) -> list[str]:
    """Write the declared schedules that the database doesn't have; return their names."""
    declared: dict[str, dict[str, Any]] = app.conf.beat_schedule
    existing = set(PeriodicTask.objects.values_list("name", flat=True))
    missing = [name for name in declared if name not in existing]
    for name in missing:
        ModelEntry.from_entry(name, app=app, **declared[name])
    return missing


def slot_of(name: str, schedule: Any, when: datetime) -> str:
    """The slot that a run at `when` fills: the interval it falls into, else the minute.

    Two runs of one schedule are at least an interval (a minute) apart, so each has its own slot.
    """
    is_interval = type(schedule) is interval_schedule  # crontab and the like are subclasses
    seconds = schedule.run_every.total_seconds() if is_interval else 60.0
    start = when.timestamp() // seconds * seconds
    return f"{name}@{datetime.fromtimestamp(start, UTC).isoformat()}"

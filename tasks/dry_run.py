"""What a job would do if it were retried now, without doing it.

    the task's own code ─▶ in one transaction that is rolled back
      rows               what is another now          tasks.row_changes
      effects, mails     noted, and assumed to be     tasks.stage
                         fine; never asked for
      locks              pretended: nobody is kept out, nobody serves it
      anything else      that opens a connection ends the dry run

The job's own row, its attempts and the statistics stay as they are. A dry run tells what would
happen *now, if the outside says yes*; a card that is declined takes another way. It holds the rows
that it writes until its end, so it gets few seconds.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from time import monotonic
from typing import Any
from uuid import UUID

from celery import current_app
from celery.exceptions import Ignore
from django.db import Error, connection, transaction
from kombu.utils import json

from tasks import audit_log
from tasks.context import CurrentJob, running
from tasks.errors import NothingToRehearse, Unrehearsable
from tasks.models import RETRYABLE_STATES, Job
from tasks.outcomes import Cancel, Snooze
from tasks.privacy import scrub
from tasks.row_changes import Changes, RowChange
from tasks.stage import RehearsedEffect, RehearsedMail, Stage, rehearsing
from tasks.statements import SQL

LIMIT_S = 8.0
"""Of the whole; a page waits for it, and others may wait for its rows."""

STATEMENT_MS, LOCK_MS = 5000, 1000
ERROR_CHARS, TRACE_CHARS = 2000, 8000


class Ending(StrEnum):
    """How the job would end."""

    SUCCEEDED = "succeeded"
    RETRIED = "retried"
    SNOOZED = "snoozed"
    DEAD = "dead"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """It can't be told; `error` says why. What came before is shown."""


@dataclass(frozen=True, kw_only=True)
class RehearsedJob:
    """A job that would be enqueued."""

    task: str
    queue: str
    subject: str
    run_at: datetime


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What one dry run found."""

    job_id: UUID
    ending: Ending
    error: str
    """The task's, or why the dry run could not go on."""
    traceback: str
    wait_s: float | None
    """Until the next attempt, of `RETRIED` and `SNOOZED`."""
    result: Any
    rows: tuple[RowChange, ...]
    """Without the jobs that would be enqueued."""
    jobs: tuple[RehearsedJob, ...]
    effects: tuple[RehearsedEffect, ...]
    mails: tuple[RehearsedMail, ...]
    locks: tuple[tuple[str, ...], ...]
    took_s: float

    @property
    def sentence(self) -> str:
        """How it would end, for people."""
        return {
            Ending.SUCCEEDED: "It would succeed.",
            Ending.RETRIED: f"It would fail, and be retried in {self.wait_s or 0:.1f} s.",
            Ending.SNOOZED: f"It would wait for {self.wait_s or 0:.1f} s and look again.",
            Ending.DEAD: "It would be dead again.",
            Ending.CANCELLED: "It would be cancelled.",
            Ending.UNKNOWN: "How it would end can’t be told.",
        }[self.ending]


@dataclass(frozen=True, kw_only=True)
class _End:
    ending: Ending
    error: str = ""
    traceback: str = ""
    wait_s: float | None = None
    result: Any = None


class _Everything(transaction.Atomic):
    """The transaction around it all. A `durable=True` block of the task is the outermost one of
    real life, so it must be allowed in here; inside another one it is refused as ever."""

    def __init__(self) -> None:
        super().__init__(using=connection.alias, savepoint=True, durable=True)
        self._from_testcase = True


def dry_run(job_id: UUID, *, actor: str) -> DryRun:
    """Run a job that ended without success, and undo it; it is on record that somebody did.

    Raises `Job.DoesNotExist`, `NothingToRehearse`, and RuntimeError inside a transaction.
    """
    job = Job.objects.get(pk=job_id)
    task = current_app.tasks.get(job.task)
    if job.state not in RETRYABLE_STATES:
        raise NothingToRehearse(f"The job is {job.get_state_display()}: it needs no retry.")
    if task is None:
        raise NothingToRehearse(f"Nobody knows a task {job.task} here.")
    audit_log.record(actor=actor, action="job.dry_run", subject=f"job:{job_id}")
    began = monotonic()
    with rehearsing() as stage, _Everything():
        SQL.run("limit_patience", {"statement_ms": f"{STATEMENT_MS}", "lock_ms": f"{LOCK_MS}"})
        changes = Changes()
        with connection.execute_wrapper(_patience(until=began + LIMIT_S)):
            end = _play(task, job)
        rows, end = _look(changes, end)
        transaction.set_rollback(True)
    return _found(job, end, rows, stage, took_s=monotonic() - began)


def _play(task: Any, job: Job) -> _End:
    """The body, as `tasks.execution` runs it."""
    me = CurrentJob(
        id=job.pk,
        attempt=job.attempt + 1,
        task=job.task,
        correlation_id=job.correlation_id,
        worker="dry run",
        subject=job.subject,
    )
    try:
        with running(me), transaction.atomic() if task.atomic else nullcontext():
            result = task.run(*job.args, **job.kwargs)
        return _End(ending=Ending.SUCCEEDED, result=json.loads(json.dumps(result)))
    except Unrehearsable as error:
        return _End(ending=Ending.UNKNOWN, error=str(error))
    except Exception as error:
        return _failed(task, error)


def _failed(task: Any, error: Exception) -> _End:
    """As the task's policy has it; a retry by a person begins with all counts at zero."""
    told = scrub(f"{type(error).__name__}: {error}")[:ERROR_CHARS]
    trace = scrub("".join(traceback.format_exception(error)))[-TRACE_CHARS:]
    if isinstance(error, Cancel | Ignore):
        return _End(ending=Ending.CANCELLED, error=told)
    if isinstance(error, Snooze):
        return _End(ending=Ending.SNOOZED, error=told, wait_s=error.after_s)
    wait_s = task.retry_policy.wait_s(error, failures=1, age_s=0.0)
    ending = Ending.DEAD if wait_s is None else Ending.RETRIED
    return _End(ending=ending, error=told, traceback=trace, wait_s=wait_s)


def _look(changes: Changes, end: _End) -> tuple[list[RowChange], _End]:
    """What was written. After an error of the database itself nobody can look any more."""
    try:
        return changes.rows(), end
    except Error as error:
        why = end.error or f"What it would write can't be read: {error}"
        return [], _End(ending=Ending.UNKNOWN, error=why, traceback=end.traceback)


def _found(job: Job, end: _End, rows: list[RowChange], stage: Stage, *, took_s: float) -> DryRun:
    jobs = [row for row in rows if row.table == Job._meta.db_table and row.kind == "inserted"]
    return DryRun(
        job_id=job.pk,
        ending=end.ending,
        error=end.error,
        traceback=end.traceback,
        wait_s=end.wait_s,
        result=end.result,
        rows=tuple(row for row in rows if row not in jobs),
        jobs=tuple(_job(row.after) for row in jobs),
        effects=tuple(stage.effects),
        mails=tuple(stage.mails),
        locks=tuple(stage.locks),
        took_s=took_s,
    )


def _job(values: dict[str, Any]) -> RehearsedJob:
    return RehearsedJob(
        task=values["task"],
        queue=values["queue"],
        subject=values["subject"],
        run_at=datetime.fromisoformat(values["run_at"]),
    )


def _patience(*, until: float) -> Callable[..., Any]:
    """Refuses the next statement when the time is over."""

    def execute(run: Callable[..., Any], statement: Any, *rest: Any) -> Any:
        if monotonic() > until:
            raise Unrehearsable(f"It takes longer than {LIMIT_S:.0f} s, too long for a dry run.")
        return run(statement, *rest)

    return execute

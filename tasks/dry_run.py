"""What a job would do if it were retried now, without doing it.

    the task's own code ─▶ in one transaction that is rolled back
      rows               what is another now          tasks.row_changes
      effects, mails     noted, and assumed to be     tasks.stage
                         fine; never asked for
      locks              pretended: nobody is kept out, nobody serves it
      anything else      that leaves the process ends the dry run: tasks.sealing
      COMMIT             PostgreSQL refuses it: tasks.undoing

The job's own row is only locked; its attempts and the statistics stay as they are. A dry run tells
what would happen *now, if the outside says yes*; a card that is declined takes another way. It
holds the rows that it writes until its end, so it gets few seconds.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from time import monotonic
from typing import Any
from uuid import UUID

from celery import current_app
from celery.exceptions import Ignore
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone
from kombu.utils import json
from psycopg import errors

from tasks import audit_log, execution, undoing
from tasks.context import CurrentJob, calling, running
from tasks.errors import NothingToRehearse, Unrehearsable
from tasks.models import LIVE_STATES, RETRYABLE_STATES, Effect, Job
from tasks.outcomes import Cancel, Snooze
from tasks.privacy import scrub
from tasks.row_changes import Changes, RowChange
from tasks.sealing import sealed
from tasks.stage import RehearsedEffect, RehearsedMail, Stage

LIMIT_S = 8.0
"""Of the body; a page waits for it, and others may wait for its rows."""

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
    """Without the jobs that would be enqueued, and the effects' own."""
    jobs: tuple[RehearsedJob, ...]
    effects: tuple[RehearsedEffect, ...]
    mails: tuple[RehearsedMail, ...]
    locks: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    """What is missing in the rows, and what stands in the way of a real retry."""
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


DATABASE_LIMITS = {
    errors.QueryCanceled: "a statement takes too long for a dry run",
    errors.LockNotAvailable: "somebody else holds a row that it needs; try again",
    errors.IdleInTransactionSessionTimeout: "it keeps its rows for too long without a statement",
}
"""Errors that only a dry run's own limits make likely."""


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
    stage = Stage(limit_s=LIMIT_S)
    rows: list[RowChange] = []
    notes: list[str] = []
    end = _End(ending=Ending.UNKNOWN)
    try:
        with undoing.undone(stage) as statements:
            _lock(job)
            changes = Changes()
            with _as_its_worker(task, job), statements.watched(), sealed(stage):
                end = _play(task, job)
            transaction.set_rollback(False)  # an error outside of the body's own transactions
            rows, notes = changes.rows(), changes.notes
    except (DatabaseError, InterfaceError) as error:
        # A limit, or the server, has ended the session.
        stage.stopped = stage.stopped or end.error or scrub(f"The database ended it: {error}")
    if stage.stopped:
        end = _End(ending=Ending.UNKNOWN, error=stage.stopped, traceback=end.traceback)
    notes = [*notes, *_in_the_way(job)]
    return _found(job, end, rows, stage, notes, took_s=monotonic() - stage.began)


def _lock(job: Job) -> None:
    """Whoever wants to retry it, or to try it out too, waits. Raises `NothingToRehearse`."""
    try:
        ended = Job.objects.select_for_update().filter(pk=job.pk, state__in=RETRYABLE_STATES)
        if ended.first() is None:
            raise NothingToRehearse("The job was retried just now.")
    except OperationalError as error:
        raise NothingToRehearse("Somebody else is at the job; try again.") from error


@contextmanager
def _as_its_worker(task: Any, job: Job) -> Iterator[None]:
    """What the body sees of its job and its request after a retry, and not who tries it out."""
    me = CurrentJob(
        id=job.pk,
        attempt=job.attempt + 1,
        task=job.task,
        correlation_id=job.correlation_id,
        worker="dry run",
        subject=job.subject,
    )
    task.push_request(id=str(job.pk), args=job.args, kwargs=job.kwargs, called_directly=False)
    try:
        with running(me), calling():
            yield
    finally:
        task.pop_request()


def _play(task: Any, job: Job) -> _End:
    """The body, as `tasks.execution` runs it, without the end of the job's own row."""
    options = json.loads(json.dumps(job.options or {}))
    try:
        try:
            with transaction.atomic() if task.atomic else nullcontext():
                result = task.run(*job.args, **job.kwargs)
                with nullcontext() if task.atomic else transaction.atomic():
                    told = execution.encoded(result)
                    execution.enqueue_followers(task, options, result)
                    undoing.check_constraints()
            return _End(ending=Ending.SUCCEEDED, result=json.loads(told) if told else None)
        except Exception as error:
            end = _failed(task, job, error)
            if end.ending == Ending.DEAD:
                with transaction.atomic():
                    execution.enqueue_errbacks(task, options, job.pk)
            return end
    except Unrehearsable as error:
        return _End(ending=Ending.UNKNOWN, error=str(error))


def _failed(task: Any, job: Job, error: Exception) -> _End:
    """As the task's policy has it; a retry by a person sets all counts to zero, but not its age."""
    if limit := _limit(error):
        return _End(ending=Ending.UNKNOWN, error=f"It can’t be told: {limit}.")
    told = scrub(f"{type(error).__name__}: {error}")[:ERROR_CHARS]
    trace = scrub("".join(traceback.format_exception(error)))[-TRACE_CHARS:]
    if isinstance(error, Cancel | Ignore):
        return _End(ending=Ending.CANCELLED, error=told)
    if isinstance(error, Snooze):
        return _End(ending=Ending.SNOOZED, error=told, wait_s=error.after_s)
    age_s = (timezone.now() - job.created_at).total_seconds()
    wait_s = task.retry_policy.wait_s(error, failures=1, age_s=age_s)
    ending = Ending.DEAD if wait_s is None else Ending.RETRIED
    return _End(ending=ending, error=told, traceback=trace, wait_s=wait_s)


def _limit(error: BaseException | None) -> str:
    while error is not None:
        for kind, sentence in DATABASE_LIMITS.items():
            if isinstance(error, kind):
                return sentence
        error = error.__cause__ or error.__context__
    return ""


def _in_the_way(job: Job) -> Iterator[str]:
    """Why a retry would be refused."""
    live = Job.objects.filter(unique_key=job.unique_key, state__in=LIVE_STATES)
    if job.unique_key and (other := live.first()):
        yield f"A retry is refused now: the job {other.pk} is {other.state} and has its unique key."


def _found(
    job: Job,
    end: _End,
    rows: list[RowChange],
    stage: Stage,
    notes: list[str],
    *,
    took_s: float,
) -> DryRun:
    told = {effect.key for effect in stage.effects}
    jobs = [row for row in rows if row.table == Job._meta.db_table and row.kind == "inserted"]
    return DryRun(
        job_id=job.pk,
        ending=end.ending,
        error=end.error,
        traceback=end.traceback,
        wait_s=end.wait_s,
        result=end.result,
        rows=tuple(_without_effects([row for row in rows if row not in jobs], told)),
        jobs=tuple(_job(row.after) for row in jobs),
        effects=tuple(stage.effects),
        mails=tuple(stage.mails),
        locks=tuple(stage.locks),
        notes=tuple(notes),
        took_s=took_s,
    )


def _without_effects(rows: Iterable[RowChange], effects: set[str]) -> Iterator[RowChange]:
    """Without the rows of effects that are told as such, by their keys."""
    known = {str(pk) for pk in Effect.objects.filter(key__in=effects).values_list("pk", flat=True)}
    for row in rows:
        is_effect = row.table == Effect._meta.db_table
        if not (is_effect and (row.key in known or row.after.get("key") in effects)):
            yield row


def _job(values: dict[str, Any]) -> RehearsedJob:
    return RehearsedJob(
        task=values["task"],
        queue=values["queue"],
        subject=values["subject"],
        run_at=datetime.fromisoformat(values["run_at"]),
    )

"""Every change of a job's state, each one conditional statement that says whether it happened.

            take_due          claim            succeed
 scheduled ─────────▶ queued ───────▶ running ─────────▶ succeeded
     ▲  ▲    unpublish  │                │  │ bury, fail ─▶ dead
     │  └───────────────┘                │  └ withdraw ───▶ cancelled
     └───────── try_again, take_over ────┘

Nothing else writes `Job.state`, but for `tasks.bulk`, which does the people's deeds below to many
jobs by one statement. Two workers on one job is an ordinary day (RabbitMQ delivers at least once);
the attempt's number decides between them: a claim raises it, and only the holder of the newest
number may end the job. Whoever lost learns it from the answer of its last statement, inside its own
transaction, and rolls back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from kombu.utils import json

from tasks.conf import conf
from tasks.context import CurrentJob
from tasks.models import LIVE_STATES, RETRYABLE_STATES, Attempt, Job, JobState
from tasks.statements import SQL
from tasks.wakeup import wake_on_commit


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What a job's message needs. Arguments are JSON text, passed on as they are stored."""

    id: UUID
    task: str
    queue: str
    args: str
    kwargs: str
    priority: int
    failures: int
    correlation_id: str
    parent_id: UUID | None
    options: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to run a job once. Its `attempt` is checked at the end."""

    id: UUID
    attempt: int
    failures: int
    args: list[Any]
    kwargs: dict[str, Any]
    correlation_id: str
    options: dict[str, Any]
    age_s: float
    subject: str
    queue: str
    traceparent: str | None


# --- the dispatcher's --------------------------------------------------------------------------


def take_due(*, batch: int) -> list[Envelope]:
    """scheduled → queued (or expired) for up to `batch` due jobs; returns those to publish."""
    return _envelopes(SQL.fetch_all("take_due", {"batch": batch}))


def take_lost(*, queue: str, missing: int, age_s: float) -> list[Envelope]:
    """Up to `missing` jobs queued for at least `age_s` seconds, to be published again."""
    return _envelopes(
        SQL.fetch_all("lost", {"queue": queue, "missing": missing, "age_s": age_s}),
    )


def unpublish(ids: Iterable[UUID]) -> int:
    """queued → scheduled: their messages were not confirmed. A job already running goes on."""
    return Job.objects.filter(id__in=list(ids), state=JobState.QUEUED).update(
        state=JobState.SCHEDULED, queued_at=None
    )


def bury(job_id: UUID, *, error: str) -> bool:
    """Not started → dead, for a job that no worker can start."""
    buried = Job.objects.filter(id=job_id, state__in=[JobState.SCHEDULED, JobState.QUEUED]).update(
        state=JobState.DEAD, error=error, finished_at=Now()
    )
    return bool(buried)


def unpark(job_id: UUID, *, wait_s: float, crashed: bool, error: str) -> bool:
    """queued → scheduled in `wait_s` seconds for a job whose message RabbitMQ gave up.

    `crashed` counts it as a crash; a job that crashed too often is dead.
    """
    row = SQL.fetch_one(
        "parked",
        {
            "id": job_id,
            "wait_s": wait_s,
            "crashed": int(crashed),
            "max_crashes": conf().max_crashes,
            "error": error,
        },
    )
    return row is not None


def take_over_lapsed(*, batch: int) -> int:
    """running → scheduled (dead after too many crashes) for jobs whose worker went silent."""
    rows = _take_over(job_id=None, redelivered=False, next_state=JobState.SCHEDULED, batch=batch)
    return len(rows)


def hold_paused(*, batch: int | None = None) -> int:
    """queued → scheduled and held for jobs of paused queues; costs them nothing."""
    return len(SQL.fetch_all("hold", {"batch": batch}))


def let_go(*, batch: int | None = None) -> int:
    """Held jobs of queues that aren't paused may be dispatched again."""
    return len(SQL.fetch_all("let_go", {"batch": batch}))


def _envelopes(rows: Sequence[tuple[Any, ...]]) -> list[Envelope]:
    """By priority, then by time: an UPDATE returns its rows in any order."""
    return [
        Envelope(
            id=row[0],
            task=row[1],
            queue=row[2],
            args=row[3],
            kwargs=row[4],
            priority=row[5],
            failures=row[6],
            correlation_id=row[7],
            parent_id=row[8],
            options=json.loads(row[9]) if row[9] else {},
        )
        for row in sorted(rows, key=lambda row: (-row[5], row[11]))
        if row[10] == JobState.QUEUED
    ]


# --- the worker's --------------------------------------------------------------------------------


def claim(job_id: UUID, *, worker: str, redelivered: bool) -> Claim | None:
    """queued → running. None when there is nothing to run: it ended, or somebody else runs it.

    A running job is taken over when its lease has lapsed or the broker gave its message back.
    """
    found = _claim_queued(job_id, worker=worker)
    if found is None and _take_over(
        job_id=job_id, redelivered=redelivered, next_state=JobState.QUEUED, batch=1
    ):
        found = _claim_queued(job_id, worker=worker)
    return found


def _claim_queued(job_id: UUID, *, worker: str) -> Claim | None:
    row = SQL.fetch_prepared("claim", {"id": job_id, "worker": worker, "lease_s": conf().lease_s})
    if row is None or row[0] != JobState.RUNNING:
        return None
    return Claim(
        id=job_id,
        attempt=row[1],
        failures=row[2],
        args=json.loads(row[3]),
        kwargs=json.loads(row[4]),
        correlation_id=row[5],
        options=json.loads(row[6]) if row[6] else {},
        age_s=row[7],
        subject=row[8],
        queue=row[9],
        traceparent=row[10],
    )


def _take_over(
    *, job_id: UUID | None, redelivered: bool, next_state: str, batch: int
) -> Sequence[tuple[Any, ...]]:
    return SQL.fetch_all(
        "take_over",
        {
            "id": job_id,
            "redelivered": redelivered,
            "next_state": next_state,
            "max_crashes": conf().max_crashes,
            "batch": batch,
        },
    )


def renew(job: CurrentJob) -> bool | None:
    """Prolong the lease and write the progress. True when cancelling was asked for, None when
    the job is no longer this attempt's.
    """
    row = SQL.fetch_one(
        "renew",
        {
            "id": job.id,
            "attempt": job.attempt,
            "lease_s": conf().lease_s,
            **_progress(job),
        },
    )
    return None if row is None else bool(row[0])


def succeed(job: CurrentJob, *, result: str | None, wait_for_disk: bool = True) -> bool:
    """running → succeeded. Call it in the transaction of the task's own writes, whose commit then
    waits for the disk or not.
    """
    return _finish(
        job,
        JobState.SUCCEEDED,
        Attempt.Outcome.SUCCEEDED,
        result=result,
        wait_for_disk=wait_for_disk,
    )


def try_again(job: CurrentJob, *, wait_s: float, error: str, traceback: str, failed: bool) -> bool:
    """running → scheduled in `wait_s` seconds: a retry (`failed`) or a snooze."""
    happened = _finish(
        job,
        JobState.SCHEDULED,
        Attempt.Outcome.RETRY if failed else Attempt.Outcome.SNOOZED,
        wait_s=wait_s,
        error=error,
        traceback=traceback,
        failed=failed,
    )
    if wait_s < conf().poll_s:
        wake_on_commit()  # a later one the dispatcher finds in time by itself
    return happened


def fail(job: CurrentJob, *, error: str, traceback: str) -> bool:
    """running → dead."""
    return _finish(
        job, JobState.DEAD, Attempt.Outcome.DEAD, error=error, traceback=traceback, failed=True
    )


def withdraw(job: CurrentJob, *, error: str) -> bool:
    """running → cancelled."""
    return _finish(job, JobState.CANCELLED, Attempt.Outcome.CANCELLED, error=error)


def _finish(
    job: CurrentJob,
    state: JobState,
    outcome: Attempt.Outcome,
    *,
    wait_s: float = 0,
    error: str = "",
    traceback: str = "",
    failed: bool = False,
    result: str | None = None,
    wait_for_disk: bool = True,
) -> bool:
    row = SQL.fetch_prepared(
        "finish",
        {
            "id": job.id,
            "attempt": job.attempt,
            "state": state.value,
            "outcome": outcome.value,
            "wait_s": wait_s,
            "error": error,
            "traceback": traceback,
            "failed": failed,
            "result": result,
            "wait_for_disk": wait_for_disk,
            "lock_waits": json.dumps(job.lock_waits) if job.lock_waits else None,
            **_progress(job),
        },
    )
    if row is not None:
        job.outcome = outcome.value
    return row is not None


def _progress(job: CurrentJob) -> dict[str, Any]:
    return {
        "progress_done": job.done,
        "progress_total": job.total,
        "progress_note": job.note or None,
    }


def give_back(job_id: UUID, *, worker_prefix: str) -> bool:
    """running → queued (scheduled when its queue is paused) without a crash counted, when a worker
    had to let go of a healthy job (it is shutting down, or lost the broker). Its message comes
    again by itself.
    """
    row = SQL.fetch_one("give_back", {"id": job_id, "worker_prefix": worker_prefix})
    return row is not None


def adopt(*, job_id: UUID, task: str, queue: str, args: str, kwargs: str, error: str = "") -> bool:
    """Record a message that the ledger doesn't know: queued (scheduled when its queue is paused),
    or dead with the reason.
    """
    row = SQL.fetch_one(
        "adopt",
        {
            "id": job_id,
            "task": task[:200],
            "queue": queue[:80],
            "args": args,
            "kwargs": kwargs,
            "state": JobState.DEAD if error else JobState.QUEUED,
            "error": error,
        },
    )
    return row is not None


# --- a considerate task's -----------------------------------------------------------------------


def waiting(queues: Iterable[str], *, longer_than_s: float) -> bool:
    """Whether a job of these queues has been due for longer and was not started."""
    row = SQL.fetch_one("waiting", {"queues": list(queues), "age_s": longer_than_s})
    return bool(row and row[0])


# --- people's ------------------------------------------------------------------------------------


def cancel(job_id: UUID) -> bool:
    """Not started → cancelled at once. A running job is asked to stop: it ends as cancelled at
    its next `check()`, at its next retry, or not at all if it succeeds first.
    """
    cancelled = Job.objects.filter(
        id=job_id, state__in=[JobState.SCHEDULED, JobState.QUEUED]
    ).update(state=JobState.CANCELLED, cancel_requested=True, finished_at=Now())
    if cancelled:
        return True
    return bool(Job.objects.filter(id=job_id, state=JobState.RUNNING).update(cancel_requested=True))


def run_now(job_id: UUID) -> bool:
    """A scheduled job becomes due at once."""
    moved = Job.objects.filter(id=job_id, state=JobState.SCHEDULED).update(run_at=Now())
    wake_on_commit()
    return bool(moved)


def retry(job_id: UUID) -> bool:
    """dead, cancelled, expired or discarded → scheduled, with its counts of failures and crashes at
    zero.

    False when the job can't be retried, or another live job has its unique key.
    """
    ended = Job.objects.filter(id=job_id, state__in=RETRYABLE_STATES)
    try:
        with transaction.atomic():
            moved = ended.update(
                state=JobState.SCHEDULED,
                run_at=Now(),
                failures=0,
                crashes=0,
                cancel_requested=False,
                held=False,
                expires_at=None,
                finished_at=None,
            )
    except IntegrityError:  # the partial unique index over live jobs
        return False
    wake_on_commit()
    return bool(moved)


def discard(job_id: UUID) -> bool:
    """dead → discarded: somebody looked at it, and nothing is to be done."""
    discarded = Job.objects.filter(id=job_id, state=JobState.DEAD).update(state=JobState.DISCARDED)
    return bool(discarded)


def reprioritise(job_id: UUID, *, priority: int) -> bool:
    """Change a live job's priority (0 to 9): it counts from its next dispatch on.

    Raises ValueError for a priority out of range.
    """
    check_priority(priority)
    changed = Job.objects.filter(id=job_id, state__in=LIVE_STATES).update(priority=priority)
    return bool(changed)


def check_priority(priority: int) -> int:
    """The priority itself. Raises ValueError unless it lies between 0 and 9."""
    if not 0 <= priority <= 9:
        raise ValueError(f"priority must lie between 0 and 9, not {priority}.")
    return priority


def cancel_waiting(*, queue: str) -> list[UUID]:
    """Cancel every job of the queue that has not started; return their ids."""
    return [row[0] for row in SQL.fetch_all("cancel_waiting", {"queue": queue})]


def prune(*, batch: int = 1000) -> int:
    """Delete jobs that ended long ago. Returns how many went; call again while it is `batch`."""
    rows = SQL.fetch_all(
        "prune",
        {
            "batch": batch,
            "finished_days": conf().keep_finished_days,
            "dead_days": conf().keep_dead_days,
        },
    )
    return len(rows)

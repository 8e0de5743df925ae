"""What happened to a job, in the order of time. Pure: it is told by its records alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from django.urls import reverse

from tasks.console.deeds import tone
from tasks.console.wording import duration
from tasks.models import LIVE_STATES, Attempt, AuditEntry, Effect, Job, JobState

OUTCOMES = {
    Attempt.Outcome.SUCCEEDED: ("succeeded", "good"),
    Attempt.Outcome.RETRY: ("failed, to be retried", "warn"),
    Attempt.Outcome.SNOOZED: ("put itself off", ""),
    Attempt.Outcome.DEAD: ("failed for good", "bad"),
    Attempt.Outcome.CANCELLED: ("was cancelled", ""),
    Attempt.Outcome.CRASHED: ("ended without a word, as a killed worker's do", "bad"),
}
AT_ONCE = timedelta(seconds=1)
"""A job that is due within it was meant to run at once."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One thing that happened; `tone` is good, warn, bad or nothing."""

    at: datetime
    title: str
    detail: str = ""
    by: str = ""
    link: str = ""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Records:
    """All that is known about one job."""

    job: Job
    attempts: Sequence[Attempt]
    """By number."""
    children: Sequence[Job]
    effects: Sequence[Effect]
    audits: Sequence[AuditEntry]


def timeline(records: Records) -> list[Moment]:
    moments = [
        *_enqueued(records.job),
        *_attempts(records),
        *_now(records.job),
        *_children(records.children),
        *_effects(records.effects),
        *_audits(records.audits),
        *_end(records),
    ]
    return sorted(moments, key=lambda moment: moment.at)


def _enqueued(job: Job) -> Iterator[Moment]:
    yield Moment(
        at=job.created_at,
        title="Enqueued" + (" by another job" if job.parent_id else ""),
        detail=f"for {job.run_at:%Y-%m-%d %H:%M:%S}" if _is_first_run_later(job) else "",
        by=job.enqueued_by,
        link=_job(job.parent_id) if job.parent_id else "",
    )


def _is_first_run_later(job: Job) -> bool:
    return job.attempt == 0 and job.run_at - job.created_at > AT_ONCE


def _attempts(records: Records) -> Iterator[Moment]:
    following = [*records.attempts[1:], None]
    for attempt, successor in zip_longest(records.attempts, following[: len(records.attempts)]):
        yield from _waits(attempt)
        if attempt.started_at:
            yield Moment(
                at=attempt.started_at, title=f"Attempt {attempt.number} began", by=attempt.worker
            )
        text, colour = OUTCOMES[Attempt.Outcome(attempt.outcome)]
        yield Moment(
            at=attempt.finished_at,
            title=f"Attempt {attempt.number} {text}",
            detail=" · ".join(filter(None, [_first_line(attempt), _pause(attempt, successor)])),
            by=attempt.worker,
            tone=colour,
        )


def _waits(attempt: Attempt) -> Iterator[Moment]:
    for wait in attempt.lock_waits or ():
        yield Moment(
            at=datetime.fromtimestamp(wait["began"], UTC),
            title=f"Waited {duration(wait['s'])} for a lock"
            + ("" if wait["got"] else ", and gave up for now"),
            detail=", ".join(wait["keys"]),
        )


def _first_line(attempt: Attempt) -> str:
    return attempt.error.partition("\n")[0][:300]


def _pause(attempt: Attempt, successor: Attempt | None) -> str:
    if successor is None or successor.started_at is None:
        return ""
    pause = successor.started_at - attempt.finished_at
    return f"next attempt {duration(pause.total_seconds())} later"


def _now(job: Job) -> Iterator[Moment]:
    """What is not over: an ended attempt tells of itself."""
    if job.queued_at and (job.state in (JobState.QUEUED, JobState.RUNNING)):
        yield Moment(at=job.queued_at, title="Given to RabbitMQ", detail=f"queue {job.queue}")
    if job.started_at and job.state == JobState.RUNNING:
        yield Moment(at=job.started_at, title=f"Attempt {job.attempt} began", by=job.worker)
    if job.state == JobState.SCHEDULED and job.attempt:
        yield Moment(at=job.run_at, title=f"Attempt {job.attempt + 1} is due")


def _end(records: Records) -> Iterator[Moment]:
    job = records.job
    if job.state in LIVE_STATES or not job.finished_at:
        return
    yield Moment(at=job.finished_at, title=f"Ended as {job.state}", tone=tone(job.state))


def _children(children: Iterable[Job]) -> Iterator[Moment]:
    for child in children:
        yield Moment(
            at=child.created_at,
            title=f"Enqueued {child.task}",
            detail=f"now {child.state}",
            link=_job(child.pk),
        )


def _effects(effects: Iterable[Effect]) -> Iterator[Moment]:
    colours = {Effect.State.INTENDED: "warn", Effect.State.FAILED: "bad"}
    for effect in effects:
        yield Moment(
            at=effect.settled_at or effect.intended_at,
            title=f"Effect {effect.key}: {effect.state}",
            detail=effect.error,
            link=reverse("admin:tasks_effect_change", args=[effect.pk]),
            tone=colours.get(Effect.State(effect.state), ""),
        )


def _audits(audits: Iterable[AuditEntry]) -> Iterator[Moment]:
    for entry in audits:
        yield Moment(
            at=entry.at,
            title=entry.action,
            detail=entry.reason,
            by=entry.actor,
            link=reverse("admin:tasks_auditentry_change", args=[entry.pk]),
        )


def _job(pk: object) -> str:
    return reverse("admin:tasks_job_change", args=[pk])

"""What a job is doing or waiting for, in a sentence."""

from __future__ import annotations

from datetime import datetime

from tasks.console.wording import duration
from tasks.models import Job, JobState, PausedQueue


def standing(job: Job, *, now: datetime, pause: PausedQueue | None) -> str:
    """`pause` is that of the job's queue, if it is paused."""
    state = JobState(job.state)
    if state == JobState.SCHEDULED:
        return _scheduled(job, now, pause)
    return {
        JobState.QUEUED: f"Waits for a worker that is free for the queue {job.queue}.",
        JobState.RUNNING: _running(job, now),
        JobState.SUCCEEDED: "Done.",
        JobState.DEAD: "It failed for good and waits for a person: put right what is wrong, then "
        "retry it, or discard it.",
        JobState.CANCELLED: "It was cancelled.",
        JobState.EXPIRED: "It was not started in time.",
        JobState.DISCARDED: "A person looked at it: nothing is to be done.",
    }[state]


def _scheduled(job: Job, now: datetime, pause: PausedQueue | None) -> str:
    if pause:
        why = f": {pause.reason}" if pause.reason else ""
        return f"Waits until its queue is resumed: {pause.paused_by} paused {job.queue}{why}."
    what = "Its next attempt" if job.attempt else "It"
    if job.run_at > now:
        return f"{what} is due in {duration((job.run_at - now).total_seconds())}."
    late = duration((now - job.run_at).total_seconds())
    return f"{what} has been due for {late}: the dispatcher takes it next."


def _running(job: Job, now: datetime) -> str:
    began = job.started_at or now
    text = f"Runs at {job.worker} for {duration((now - began).total_seconds())}."
    if job.lease_until and job.lease_until < now:
        text += " Its worker has gone silent: another takes it over soon."
    if job.cancel_requested:
        text += " It was asked to stop, and does at its next check."
    return text

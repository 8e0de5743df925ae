"""Who works on what, and stopping a worker.

What runs is read from the ledger alone: a job's row names its worker. What a worker is comes from
the row that it writes itself (`tasks.presence`). So both are known while RabbitMQ is away, and a
worker that vanished is seen as such, with the jobs whose leases it left behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tasks import audit_log
from tasks.errors import UnknownWorker
from tasks.models import Job, JobState, Worker

SILENT_S = 15.0
"""Five beats of `tasks.presence`. A worker without one for longer counts as gone."""

SHOW_GONE = timedelta(hours=1)
KEEP = timedelta(days=1)

MOST_RUNNING = 500
"""More than all processes of a large house run at once."""


@dataclass(frozen=True, kw_only=True)
class RunningJob:
    id: str
    task: str
    subject: str
    attempt: int
    process: str
    started_at: datetime | None
    lease_until: datetime | None

    @property
    def has_lapsed(self) -> bool:
        """Whether nobody renews its lease: the dispatcher's rescue gives it to another."""
        return self.lease_until is not None and self.lease_until < timezone.now()


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """A worker, and what it runs now."""

    name: str
    row: Worker | None
    """None for one that has jobs in the ledger and never told about itself."""
    running: tuple[RunningJob, ...]

    @property
    def is_here(self) -> bool:
        return self.row is not None and self.row.ended_at is None and not _is_silent(self.row)

    @property
    def may_be_stopped(self) -> bool:
        return self.is_here and self.row is not None and self.row.stop_asked_at is None


def workers() -> list[WorkerInfo]:
    """Those that are here, that vanished in the last hour, or that have running jobs; by name."""
    running = _running()
    rows = {row.name: row for row in Worker.objects.filter(_shown() | Q(name__in=running))}
    return [
        WorkerInfo(name=name, row=rows.get(name), running=tuple(running.get(name, ())))
        for name in sorted({*rows, *running})
    ]


def worker(name: str) -> WorkerInfo:
    """Raises `UnknownWorker`."""
    found = next((each for each in workers() if each.name == name), None)
    if found is None:
        raise UnknownWorker(f"No worker {name!r} is here.")
    return found


def stop(*, worker: str, actor: str, reason: str = "") -> bool:
    """Ask the worker to stop; False when it was asked already, or isn't here any more.

    It hears it within `presence.BEAT_S`, takes no more jobs, lets those that run end within the
    soft shutdown's time, gives back what is left, and ends. A supervisor starts a new one.
    """
    here = timezone.now() - timedelta(seconds=SILENT_S)
    with transaction.atomic():
        asked = Worker.objects.filter(
            name=worker, ended_at=None, stop_asked_at=None, seen_at__gte=here
        ).update(stop_asked_at=timezone.now())
        if asked:
            audit_log.record(
                actor=actor, action="worker.stop", subject=f"worker:{worker}", reason=reason
            )
    return bool(asked)


def forget_old() -> int:
    """Delete the rows of workers that have been away for long: each start has a new name."""
    gone, _ = Worker.objects.filter(seen_at__lt=timezone.now() - KEEP).delete()
    return gone


def _shown() -> Q:
    return Q(ended_at=None, seen_at__gte=timezone.now() - SHOW_GONE)


def _is_silent(row: Worker) -> bool:
    return row.seen_at < timezone.now() - timedelta(seconds=SILENT_S)


def _running() -> dict[str, list[RunningJob]]:
    """By worker: a job's row has `node:pid`."""
    jobs: Iterable[Job] = (
        Job.objects.filter(state=JobState.RUNNING)
        .only("task", "subject", "attempt", "worker", "started_at", "lease_until")
        .order_by("started_at")[:MOST_RUNNING]
    )
    found: dict[str, list[RunningJob]] = {}
    for job in jobs:
        name, _, pid = job.worker.rpartition(":")
        found.setdefault(name or job.worker, []).append(_running_job(job, pid))
    return found


def _running_job(job: Job, process: str) -> RunningJob:
    return RunningJob(
        id=str(job.pk),
        task=job.task,
        subject=job.subject,
        attempt=job.attempt,
        process=process,
        started_at=job.started_at,
        lease_until=job.lease_until,
    )

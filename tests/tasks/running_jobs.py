"""Short ways to get a job into a state, for tests without a worker."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tasks import jobs
from tasks.context import CurrentJob
from tasks.models import Job, JobState
from tests.tasks.sample_tasks import note


def scheduled(name: str = "a", **options: Any) -> UUID:
    return UUID(note.apply_async((name,), **options).id)


def queued(name: str = "a", **options: Any) -> UUID:
    job_id = scheduled(name, **options)
    jobs.take_due(batch=1000)
    return job_id


def running(job_id: UUID | None = None, *, worker: str = "w@here:1") -> CurrentJob:
    """A claimed job, as its worker sees it."""
    claim = jobs.claim(job_id or queued(), worker=worker, redelivered=False)
    assert claim is not None
    return taken(claim, worker)


def taken(claim: jobs.Claim, worker: str = "w@here:1") -> CurrentJob:
    return CurrentJob(
        id=claim.id, attempt=claim.attempt, task="sample.note", correlation_id="", worker=worker
    )


def state_of(job: UUID | CurrentJob) -> str:
    return Job.objects.get(pk=job if isinstance(job, UUID) else job.id).state


def let_lease_lapse(job: CurrentJob) -> None:
    Job.objects.filter(pk=job.id, state=JobState.RUNNING).update(lease_until="2020-01-01T00:00Z")

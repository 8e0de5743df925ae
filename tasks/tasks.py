"""The platform's own jobs."""

from __future__ import annotations

from celery import shared_task

from tasks import jobs
from tasks.context import current_job
from tasks.task import JobTask

BATCH = 1000


@shared_task(name="jobs.prune", base=JobTask, atomic=False, unique_key="jobs.prune")
def prune() -> int:
    """Delete ended jobs that are older than `JOBS_KEEP_…_DAYS`. Returns how many."""
    deleted = 0
    while (gone := jobs.prune(batch=BATCH)) > 0:
        deleted += gone
        if job := current_job():
            job.progress(done=deleted)
    return deleted

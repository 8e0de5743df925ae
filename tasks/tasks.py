"""The platform's own jobs."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from tasks import jobs, statistics, workers
from tasks.bulk import carry_out, from_arguments
from tasks.context import current_job
from tasks.task import JobTask

BATCH = 1000


@shared_task(name="jobs.prune", base=JobTask, atomic=False, unique_key="jobs.prune")
def prune() -> int:
    """Delete ended jobs that are older than `JOBS_KEEP_…_DAYS`. Returns how many.

    Also what long-gone workers told of themselves.
    """
    deleted = 0
    while (gone := jobs.prune(batch=BATCH)) > 0:
        deleted += gone
        if job := current_job():
            job.progress(done=deleted)
    workers.forget_old()
    return deleted


@shared_task(name="jobs.bulk", base=JobTask, atomic=False)
def bulk(**wish: Any) -> dict[str, int]:
    """An operator's deed on many jobs; arguments by `tasks.bulk.as_arguments`."""
    read = from_arguments(**wish)
    job, total = current_job(), read.meant().count()
    looked_at = changed = 0
    for looked, done in carry_out(read):
        looked_at, changed = looked_at + looked, changed + done
        if job:
            job.progress(done=looked_at, total=max(total, looked_at), note=f"{changed} changed")
    return {"looked_at": looked_at, "changed": changed}


@shared_task(name="jobs.roll_up", base=JobTask, atomic=False, unique_key="jobs.roll_up")
def roll_up() -> int:
    """Count what jobs did since the last time, for the overview and Prometheus; once a minute."""
    counted = statistics.roll_up()
    statistics.prune()
    return counted

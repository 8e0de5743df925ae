"""The job that does nothing: what is left is the platform's own cost."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="bench.noop")
def noop(number: int) -> None:
    """An atomic job, so exactly once: claim, attempt and finish are all paid for."""

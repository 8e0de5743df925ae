"""Jobs of the API."""

from __future__ import annotations

from celery import shared_task

from orders import notices
from shop.api import idempotency
from tasks.task import JobTask


@shared_task(name="api.prune", base=JobTask)
def prune() -> dict[str, int]:
    """Delete replies to idempotency keys after a day, and providers' notices after a month."""
    return {"replies": idempotency.prune(), "notices": notices.prune()}

"""Jobs of the site itself."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command

from tasks.task import JobTask


@shared_task(name="shop.clear_sessions", base=JobTask)
def clear_sessions() -> None:
    """Delete the sessions whose time is up."""
    call_command("clearsessions")

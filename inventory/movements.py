"""What every movement says about where it came from."""

from __future__ import annotations

from uuid import UUID

from inventory.models import StockMovement
from tasks.context import current_job

MAX_REFERENCE = StockMovement._meta.get_field("reference").max_length or 0


def current_job_id() -> UUID | None:
    """The job that this thread runs, if any."""
    job = current_job()
    return job.id if job else None


def check_reference(reference: str) -> None:
    """Raises ValueError for a text that can't name the cause of a movement."""
    if not 0 < len(reference) <= MAX_REFERENCE or "\0" in reference:
        raise ValueError(
            f"A reference has 1 to {MAX_REFERENCE} characters, not {reference[:99]!r}."
        )

"""Dead jobs by what killed them, so that a thousand failures read as the three causes they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import CharField, Count, Max, Min
from django.db.models.functions import Cast, Coalesce

from tasks.job_filter import JobFilter, error_group
from tasks.models import JobState

SEEN = Coalesce("finished_at", "created_at")  # of a job that somebody made dead by hand too


@dataclass(frozen=True, kw_only=True)
class DeadGroup:
    """Dead jobs of one task with one error, but for numbers and ids."""

    task: str
    error: str
    """Give it to `JobFilter.error_group` to mean all of them."""
    count: int
    first_seen: datetime
    last_seen: datetime
    example: UUID
    """The newest of them."""

    @property
    def filter(self) -> JobFilter:
        """All that are like this."""
        return JobFilter(task=self.task, states=(JobState.DEAD,), error_group=self.error)


def dead_groups(*, queue: str = "", task: str = "", limit: int = 100) -> list[DeadGroup]:
    """The largest groups first."""
    dead = JobFilter(states=(JobState.DEAD,), queue=queue, task=task).jobs().order_by()
    rows = (
        dead.values("task", group=error_group())
        .annotate(
            count=Count("id"),
            first_seen=Min(SEEN),
            last_seen=Max(SEEN),
            newest=Max(Cast("id", CharField())),  # ids are in the order of their time
        )
        .order_by("-count", "task", "group")[:limit]
    )
    return [
        DeadGroup(
            task=row["task"],
            error=row["group"],
            count=row["count"],
            first_seen=row["first_seen"],
            last_seen=row["last_seen"],
            example=UUID(row["newest"]),
        )
        for row in rows
    ]

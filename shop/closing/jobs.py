"""Jobs: every one of the orders' jobs ended, and none of them as dead."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from shop.closing.checks import Check, Tally
from tasks.models import FINAL_STATES, Job, JobState


def by_state(jobs: QuerySet[Job]) -> Tally:
    counts = dict(jobs.order_by("state").values_list("state").annotate(Count("pk")))
    return Tally(name="jobs", counts=counts)


def at_their_end(jobs: QuerySet[Job]) -> Check:
    total = jobs.count()
    ended = jobs.filter(state__in=FINAL_STATES).count()
    return Check(
        name="jobs at their end",
        found=ended,
        expected=total,
        expected_name="jobs of these orders",
        lost=total - ended,
    )


def none_dead(jobs: QuerySet[Job]) -> Check:
    """A dead job is not lost: it waits in the admin for a person. But it should not be there."""
    return Check(
        name="dead jobs",
        found=jobs.filter(state=JobState.DEAD).count(),
        expected=0,
        expected_name="expected",
    )

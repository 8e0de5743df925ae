from __future__ import annotations

import pytest

from tasks.dead import dead_groups
from tasks.models import Job, JobState
from tests.tasks.running_jobs import scheduled

pytestmark = pytest.mark.django_db


def dead(error: str, *, task: str = "sample.note", finished: str = "2026-05-04T12:00Z") -> str:
    job_id = scheduled()
    Job.objects.filter(pk=job_id).update(
        state=JobState.DEAD, task=task, error=error, finished_at=finished
    )
    return str(job_id)


def test_errors_that_differ_in_numbers_and_ids_are_one_group() -> None:
    dead(
        "GatewayError: charge pi_3MtwBwLkdIwHu7ix of order 17 took 1.5 s",
        finished="2026-05-01T00:00Z",
    )
    newest = dead(
        "GatewayError: charge pi_9ZzBwLkdIwHu2aa of order 4711 took 12 s\nsecond line",
        finished="2026-05-03T00:00Z",
    )
    dead("GatewayError: charge pi_3MtwBwLkdIwHu7ix of order 17 took 1.5 s", task="sample.other")
    dead("ValueError: it broke")
    scheduled()

    first, *rest = dead_groups()

    assert first.task == "sample.note"
    assert first.error == "GatewayError: charge <id> of order <n> took <n> s"
    assert (first.count, str(first.example)) == (2, newest)
    assert (first.first_seen.day, first.last_seen.day) == (1, 3)
    assert len(rest) == 2
    assert first.filter.jobs().count() == 2


def test_groups_of_one_task_or_queue() -> None:
    dead("a", task="sample.other")
    dead("b")
    assert [group.error for group in dead_groups(task="sample.other")] == ["a"]
    assert dead_groups(queue="email") == []

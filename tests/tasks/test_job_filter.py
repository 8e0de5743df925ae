from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from tasks.job_filter import JobFilter, moment
from tasks.models import Job, JobState
from tests.tasks.running_jobs import scheduled

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def found(chosen: JobFilter) -> set[UUID]:
    return set(chosen.jobs().values_list("id", flat=True))


@pytest.mark.parametrize(
    ("chosen", "change"),
    [
        (JobFilter(task="t.other"), {"task": "t.other"}),
        (JobFilter(states=(JobState.DEAD, JobState.EXPIRED)), {"state": "dead"}),
        (JobFilter(queue="email"), {"queue": "email"}),
        (JobFilter(subject="order:1"), {"subject": "order:1"}),
        (JobFilter(tag="slow"), {"tags": ["big", "slow"]}),
        (JobFilter(error="timed out"), {"error": "ReadError: Timed out after 3 s"}),
        (
            JobFilter(error_group="ValueError: no order <n> at <id>"),
            {"error": "ValueError: no order 17 at 6c84fb90-12c4-11e1-840d-7b25c5ee775a\nmore"},
        ),
        (JobFilter(argument="42"), {"args": [1, {"deep": [42]}]}),
        (JobFilter(argument="42"), {"kwargs": {"order_id": "42"}}),
        (JobFilter(argument="visa card"), {"kwargs": {"what": "visa card"}}),
        (JobFilter(since=NOW, until=NOW + timedelta(hours=1)), {"created_at": NOW}),
    ],
)
def test_each_field_finds_its_jobs_and_no_others(
    chosen: JobFilter, change: dict[str, object]
) -> None:
    wanted, _other = scheduled("a"), scheduled("420")
    Job.objects.filter(pk=wanted).update(**change)
    assert found(chosen) == {wanted}


def test_ids_and_all_fields_together() -> None:
    both, one = scheduled(subject="order:1", tags=["slow"]), scheduled(subject="order:1")
    assert found(JobFilter(subject="order:1")) == {both, one}
    assert found(JobFilter(subject="order:1", tag="slow")) == {both}
    assert found(JobFilter(ids=(one,))) == {one}
    assert JobFilter().is_empty
    assert not JobFilter(queue="q").is_empty


def test_a_filter_survives_json() -> None:
    chosen = JobFilter(
        task="t", states=(JobState.DEAD,), ids=(scheduled(),), since=NOW, argument="42"
    )
    assert JobFilter.from_json(chosen.as_json()) == chosen
    assert str(JobFilter(task="t", states=(JobState.DEAD,))) == "task=t states=dead"


@pytest.mark.parametrize("stored", [{"error__regex": "."}, {"states": ["no such"]}])
def test_nobody_asks_about_anything_else(stored: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        JobFilter.from_json(stored)


def test_quotes_in_an_argument_are_only_text() -> None:
    wanted = scheduled("""it's "$.a" || 1""")
    assert found(JobFilter(argument="""it's "$.a" || 1""")) == {wanted}


@pytest.mark.parametrize(
    ("text", "age"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 7 * 86400)]
)
def test_an_age_is_a_moment(text: str, age: int) -> None:
    passed = timezone.now() - moment(text)
    assert abs(passed - timedelta(seconds=age)) < timedelta(seconds=5)


def test_a_time_is_a_moment_and_anything_else_is_refused() -> None:
    assert moment("2026-05-04T12:00") == NOW
    assert moment("2026-05-04T14:00+02:00") == NOW
    with pytest.raises(ValueError, match="is no time"):
        moment("yesterday")

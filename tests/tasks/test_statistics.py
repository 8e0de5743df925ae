"""The roll-up counts every attempt once, however often and however late it runs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from tasks import buckets, jobs, statistics
from tasks.models import Attempt, Job, JobState, JobStatistic, QueueSample, new_job_id
from tasks.statistics import Window
from tasks.tasks import roll_up
from tests.tasks.running_jobs import running, scheduled

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 5, 4, 12, 30, 30, tzinfo=UTC)
Outcome = Attempt.Outcome


def ended(
    when: datetime,
    *,
    outcome: str = Outcome.SUCCEEDED,
    run_s: float = 0.1,
    wait_s: float = 0.0,
    queue: str = "default",
    task: str = "sample.note",
) -> Attempt:
    """An attempt that ended then."""
    started = when - timedelta(seconds=run_s)
    job = Job.objects.create(
        id=new_job_id(),
        task=task,
        queue=queue,
        state=JobState.SUCCEEDED,
        run_at=started - timedelta(seconds=wait_s),
        finished_at=when,
    )
    return Attempt.objects.create(
        job=job, number=1, outcome=outcome, started_at=started, finished_at=when
    )


def rows(unit: str = "minute") -> list[dict[str, Any]]:
    stored = JobStatistic.objects.filter(unit=unit).order_by("start", "queue", "task")
    return [dict(row) for row in stored.values()]


def test_it_counts_every_attempt_in_its_minute_queue_and_task() -> None:
    for outcome in Outcome.values:
        ended(NOW, outcome=outcome)
    ended(NOW, run_s=3, wait_s=7)
    ended(NOW - timedelta(minutes=1))
    ended(NOW, queue="email")
    ended(NOW, task="sample.other")
    assert statistics.roll_up(now=NOW + timedelta(seconds=1)) == 4
    [before, mine, other, email] = rows()
    assert mine["start"] == NOW.replace(second=0)
    assert {name: mine[name] for name in statistics.COUNTS} == {
        "succeeded": 2,
        "retried": 1,
        "dead": 1,
        "crashed": 1,
        "snoozed": 1,
        "cancelled": 1,
    }
    assert mine["run_s"] == pytest.approx(3.6)
    assert mine["wait_s"] == pytest.approx(7)
    assert buckets.read(mine["run_buckets"]) == {
        buckets.bucket_of(0.1): 6,
        buckets.bucket_of(3): 1,
    }
    assert buckets.read(mine["wait_buckets"]) == {0: 1, buckets.bucket_of(7): 1}
    assert [each["succeeded"] for each in (before, other, email)] == [1, 1, 1]


def test_running_it_twice_changes_nothing() -> None:
    ended(NOW)
    ended(NOW - timedelta(hours=3), outcome=Outcome.DEAD)
    later = NOW + timedelta(seconds=1)
    statistics.roll_up(now=later)
    once = [[{**row, "id": 0} for row in rows(unit)] for unit in ("minute", "hour")]
    statistics.roll_up(now=later)
    assert [[{**row, "id": 0} for row in rows(unit)] for unit in ("minute", "hour")] == once


def test_what_was_committed_late_is_counted_by_the_next() -> None:
    ended(NOW)
    statistics.roll_up(now=NOW + timedelta(minutes=2))
    ended(NOW - timedelta(minutes=5))
    statistics.roll_up(now=NOW + timedelta(minutes=3))
    assert sum(row["succeeded"] for row in rows()) == 2
    assert sum(row["succeeded"] for row in rows("hour")) == 2


def test_after_days_without_beat_it_counts_all_that_is_missing() -> None:
    ended(NOW)
    statistics.roll_up(now=NOW + timedelta(seconds=1))
    for hours in range(1, 60):
        ended(NOW + timedelta(hours=hours))
    statistics.roll_up(now=NOW + timedelta(hours=60))
    statistics.prune(now=NOW + timedelta(hours=60))
    assert sum(row["succeeded"] for row in rows("hour")) == 60


def test_it_counts_what_real_jobs_did() -> None:
    for _ in range(3):
        jobs.succeed(running(), result=None)
    jobs.fail(running(), error="e", traceback="")
    jobs.try_again(running(), wait_s=9, error="e", traceback="", failed=True)
    assert roll_up() in (1, 2)  # the minute may turn meanwhile
    numbers = statistics.by_queue(Window.HOUR)["default"]
    assert (numbers.succeeded, numbers.dead, numbers.retried) == (3, 1, 1)
    assert numbers.failure_rate == pytest.approx(0.4)
    assert numbers.wait_p99_s is not None


@pytest.mark.parametrize("seconds", [0, 0.0005, 0.001, 0.00101, 0.002, 0.5, 1.0, 59, 9999, 90_000])
def test_sql_and_python_mean_the_same_bucket(seconds: float) -> None:
    ended(NOW, run_s=seconds)
    statistics.roll_up(now=NOW + timedelta(seconds=1))
    [row] = rows()
    assert buckets.read(row["run_buckets"]) == {buckets.bucket_of(seconds): 1}


def test_windows_add_up_what_lies_in_them() -> None:
    for age in (timedelta(minutes=5), timedelta(hours=5), timedelta(days=5), timedelta(days=7.9)):
        ended(NOW - age, run_s=1)
    statistics.roll_up(now=NOW)
    found = {window: statistics.by_queue(window, now=NOW)["default"].succeeded for window in Window}
    assert found == {Window.HOUR: 1, Window.DAY: 2, Window.WEEK: 3}
    assert statistics.by_task(Window.HOUR, now=NOW)[0].numbers.run_p50_s == pytest.approx(
        1, rel=0.2
    )


def test_a_line_has_a_point_for_every_step() -> None:
    ended(NOW - timedelta(minutes=5))
    ended(NOW - timedelta(minutes=5), outcome=Outcome.CRASHED)
    ended(NOW - timedelta(minutes=5), queue="email")
    statistics.roll_up(now=NOW)
    for window, points in ((Window.HOUR, 60), (Window.DAY, 96), (Window.WEEK, 168)):
        line = statistics.over_time(window, queue="default", now=NOW)
        assert len(line) == points
        assert [(each.succeeded, each.failed) for each in line if each.succeeded] == [(1, 1)]


def test_old_minutes_and_hours_go_and_their_sum_stays() -> None:
    total = Counter[str]()
    for age in (0, 1, 3, 5, 7):
        ended(NOW - timedelta(days=age), run_s=age + 1)
        total["succeeded"] += 1
    statistics.roll_up(now=NOW + timedelta(seconds=1))
    before = statistics.ever()
    for later in (2, 4, 30):
        statistics.prune(now=NOW + timedelta(days=later))
        assert statistics.ever() == before
    assert before[0].numbers.succeeded == 5
    assert rows() == rows("hour") == []


def test_a_queues_depth_is_sampled_once_a_minute() -> None:
    scheduled(countdown=600)
    running()
    Job.objects.filter(pk=scheduled()).update(run_at=NOW - timedelta(hours=1))
    statistics.roll_up(now=NOW)
    scheduled()
    statistics.roll_up(now=NOW + timedelta(seconds=5))
    [sample] = statistics.depths(Window.HOUR, queue="default", now=NOW)
    assert (sample.waiting, sample.running) == (1, 1)
    assert sample.oldest_s > 3600
    statistics.prune(now=NOW + timedelta(days=9))
    assert not QueueSample.objects.exists()


def test_the_roll_up_reads_only_the_newest_attempts() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT FROM tasks_attempt WHERE finished_at >= now() - interval '10 minutes'"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "tasks_attempt_finished" in plan

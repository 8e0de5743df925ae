from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from hypothesis import given
from hypothesis import strategies as st

from tasks import slots
from tasks.models import Job, JobState, ScheduleMark, new_job_id
from tasks.schedules import LedgerScheduler, slot_of

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def every(minutes: int, **fields: object) -> PeriodicTask:
    interval, _ = IntervalSchedule.objects.get_or_create(every=minutes, period="minutes")
    return PeriodicTask.objects.create(name="tick", task="jobs.prune", interval=interval, **fields)


def hourly(minute: str = "15") -> PeriodicTask:
    crontab = CrontabSchedule.objects.create(minute=minute, timezone="UTC")
    return PeriodicTask.objects.create(name="tick", task="jobs.prune", crontab=crontab)


def ran(schedule: PeriodicTask, *ago: timedelta) -> None:
    """A job of the clock's so long ago each, as beat would have written it."""
    for each in ago:
        when = timezone.now() - each
        Job.objects.create(
            id=new_job_id(), task=schedule.task, queue="default", state=JobState.SUCCEEDED,
            slot=slot_of(schedule.name, schedule.schedule, when), created_at=when,
        )  # fmt: skip


def minutes(*values: float) -> list[timedelta]:
    return [timedelta(minutes=value) for value in values]


def since_long_ago(schedule: PeriodicTask) -> None:
    ScheduleMark.objects.filter(schedule_id=schedule.pk).update(counts_since="2020-01-01T00:00Z")


def standing(schedule: PeriodicTask) -> slots.Standing:
    return slots.standings([schedule])[schedule.pk]


@given(
    delays=st.lists(st.floats(0, 0.4), min_size=1, max_size=60),
    seconds=st.integers(60, 7200),
)
def test_a_beat_that_is_a_bit_late_each_time_misses_nothing(
    delays: list[float], seconds: int
) -> None:
    length, at, runs = timedelta(seconds=seconds), NOON, []
    for delay in delays:
        at += length * (1 + delay)
        runs.append(at)
    assert slots._missed_by_interval(length, runs, NOON, at) == 0


def test_given_gaps_then_an_interval_missed_what_should_have_been_in_them() -> None:
    schedule = every(10)
    marked = timezone.now() - timedelta(minutes=85)
    ScheduleMark.objects.filter(schedule_id=schedule.pk).update(counts_since=marked)
    ran(schedule, *minutes(75, 65, 35, 25))
    assert standing(schedule).missed == len(["55", "45", "15", "5"])


def test_given_a_crontab_then_a_late_run_counts_and_a_lacking_one_is_missed() -> None:
    when = hourly().schedule
    times = slots._times(when, NOON - timedelta(hours=4), NOON)
    assert [time.hour for time in times] == [8, 9, 10, 11]
    assert {time.minute for time in times} == {15}
    late, punctual = times[0] + timedelta(minutes=30), times[3]
    assert slots._missed_by_clock(times, []) == 4
    assert slots._missed_by_clock(times, [late, punctual]) == 2
    assert slots._missed_by_clock(times, [*times, times[3] + timedelta(minutes=1)]) == 0


def test_what_is_off_misses_nothing_and_counts_from_when_it_is_switched_on() -> None:
    schedule = every(1)
    since_long_ago(schedule)
    ran(schedule, *minutes(30))
    assert (standing(schedule).missed or 0) > 20
    schedule.enabled = False
    schedule.save()
    off = standing(schedule)
    assert (off.missed, off.next_at) == (None, None)
    schedule.enabled = True
    schedule.save()
    assert standing(schedule).missed == 0


def test_beats_own_saves_do_not_start_the_count_again() -> None:
    schedule = every(5)
    since_long_ago(schedule)
    beat = LedgerScheduler(current_app)
    try:
        beat.apply_async(beat.schedule["tick"], advance=True)
        beat.sync()
    finally:
        beat.close()
    assert ScheduleMark.objects.get(schedule_id=schedule.pk).counts_since.year == 2020
    run = standing(schedule).last
    assert run and run.job_id == str(Job.objects.get(slot__startswith="tick@").pk)


def test_the_next_run_is_an_interval_after_the_last_and_not_before_the_start() -> None:
    now = timezone.now()
    schedule = every(10, last_run_at=now - timedelta(minutes=4))
    due = slots.next_run(schedule, now)
    assert due and abs(due - now - timedelta(minutes=6)) < timedelta(seconds=2)
    schedule.start_time = now + timedelta(days=2)
    assert slots.next_run(schedule, now) == schedule.start_time
    schedule.expires = now
    assert slots.next_run(schedule, now) is None


def test_a_schedule_is_not_credited_with_the_jobs_of_another_of_a_longer_name() -> None:
    schedule = every(10)
    ran(PeriodicTask(name="tick@2 tock", task="x", interval=schedule.interval), *minutes(1))
    ran(PeriodicTask(name="ticktock", task="x", interval=schedule.interval), *minutes(1))
    assert standing(schedule).last is None

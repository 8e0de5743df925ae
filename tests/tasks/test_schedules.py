from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app
from celery.schedules import crontab, schedule
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from hypothesis import given
from hypothesis import strategies as st

from tasks.models import Job
from tasks.schedules import LedgerScheduler, create_missing, slot_of
from tests.running import Runner
from tests.tasks.conftest import WaitUntil

moments = st.integers(1_500_000_000, 2_500_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))


@given(when=moments, every=st.integers(1, 100_000), later=st.floats(0, 100_000))
def test_runs_an_interval_apart_have_slots_of_their_own(
    when: datetime, every: int, later: float
) -> None:
    each = schedule(timedelta(seconds=every))
    first = slot_of("s", each, when)
    assert slot_of("s", each, when + timedelta(seconds=every + later)) != first


@given(when=moments)
def test_two_beats_within_a_minute_fill_one_slot(when: datetime) -> None:
    minute = when.replace(second=0, microsecond=0)
    slots = {slot_of("s", crontab(), minute + timedelta(seconds=s)) for s in (0, 0.3, 59.9)}
    assert len(slots) == 1


@pytest.mark.django_db
def test_declared_schedules_are_written_once_and_edits_stay() -> None:
    names = create_missing(current_app)
    assert set(names) == set(current_app.conf.beat_schedule)
    edited = PeriodicTask.objects.get(name="Count what jobs did")
    edited.enabled = False
    edited.interval = IntervalSchedule.objects.create(every=3, period="hours")
    edited.save()
    assert create_missing(current_app) == []
    kept = PeriodicTask.objects.get(name=edited.name)
    assert (kept.enabled, str(kept.interval)) == (False, "every 3 hours")


@pytest.mark.django_db(transaction=True)
def test_two_beats_that_run_the_same_slot_enqueue_one_job() -> None:
    every = IntervalSchedule.objects.create(every=3650, period="days")
    PeriodicTask.objects.create(name="rarely", task="inventory.prune_deliveries", interval=every)
    for _ in range(2):  # the second knows nothing of the first, as after a kill before its save
        beat = LedgerScheduler(current_app)
        try:
            beat.apply_async(beat.schedule["rarely"], advance=True)
        finally:
            beat.close()
            PeriodicTask.objects.update(last_run_at=None)
    assert Job.objects.filter(slot__startswith="rarely@").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_spare_beat_takes_over_from_a_killed_one(runner: Runner, wait_until: WaitUntil) -> None:
    every = IntervalSchedule.objects.create(every=1, period="seconds")
    PeriodicTask.objects.create(name="tick", task="jobs.prune", interval=every)
    first = runner.start_beat()
    spare = runner.start_beat(spare=True)

    def ticks() -> int:
        return Job.objects.filter(slot__startswith="tick@").count()

    wait_until(lambda: ticks() >= 1)
    assert "This is the beat now" not in spare.output
    first.kill()
    wait_until(lambda: "This is the beat now" in spare.output)
    PeriodicTask.objects.filter(name="tick").update(last_run_at=None)
    before = ticks()
    Job.objects.update(state="cancelled")  # prune is unique while it lives
    wait_until(lambda: ticks() > before)

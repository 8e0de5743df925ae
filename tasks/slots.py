"""What the clock was to do and did: a schedule's newest job, its next run, the runs it missed.

A run is missed when its time has passed and no job came of it: no beat was there, or the run before
was still going and the task is unique. One that came late counts as done. Counted are the last
24 hours, or as far as the ledger's history reaches, and only since the schedule was changed or
switched on, which `on_schedule_saved` and `mark` write down: beat's own row doesn't tell.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from celery.schedules import crontab
from celery.schedules import schedule as interval_schedule
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from tasks.conf import conf
from tasks.models import ScheduleMark
from tasks.statements import SQL

DAY = timedelta(hours=24)
MINUTE = timedelta(minutes=1)

GRACE = MINUTE
"""After its time a run is not missed yet: beat looks every few seconds, and may have to wait."""

MOST_RUNS = 2000
"""That are looked at of one schedule: a day of minutes."""


@dataclass(frozen=True, kw_only=True)
class Run:
    job_id: str
    state: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Of one schedule, now."""

    last: Run | None
    next_at: datetime | None
    """None when it is switched off or has nothing more to do."""
    missed: int | None
    """None when there is nothing to count by: it is off, or never ran, or goes by the sun."""


def on_schedule_saved(sender: type[PeriodicTask], instance: PeriodicTask, **kwargs: Any) -> None:
    """A receiver of `post_save`. Beat itself saves after each run, with `no_changes`."""
    if not (kwargs.get("raw", False) or instance.no_changes):
        mark([instance.pk])


def mark(schedule_ids: Iterable[int]) -> None:
    """Count what these schedules miss from now on."""
    now = timezone.now()
    ScheduleMark.objects.bulk_create(
        [ScheduleMark(schedule_id=pk, counts_since=now) for pk in schedule_ids],
        update_conflicts=True,
        unique_fields=["schedule_id"],
        update_fields=["counts_since"],
    )


def standings(schedules: Sequence[PeriodicTask]) -> dict[int, Standing]:
    """By the schedules' ids. Three statements, however many there are."""
    now = timezone.now()
    names = [each.name for each in schedules]
    history = now - min(DAY, timedelta(days=conf().keep_finished_days))
    recent = _runs(names, since=history.isoformat(), limit=MOST_RUNS)
    newest = _runs(names, since="2", limit=1)
    marks = dict(ScheduleMark.objects.values_list("schedule_id", "counts_since"))
    found: dict[int, Standing] = {}
    for each in schedules:
        runs, last = recent.get(each.name, []), newest.get(each.name, [None])[-1]
        since = _known_since(each, marks.get(each.pk), runs, last)
        found[each.pk] = Standing(
            last=last,
            next_at=next_run(each, now),
            missed=missed(each, [run.at for run in runs], max(since, history), now)
            if since and each.enabled
            else None,
        )
    return found


def next_run(schedule: PeriodicTask, now: datetime) -> datetime | None:
    """When beat will run it; `now` or earlier means at once."""
    if not schedule.enabled or (schedule.expires and schedule.expires <= now):
        return None
    if schedule.start_time and schedule.start_time > now:
        start: datetime = schedule.start_time
        return start
    when = schedule.schedule
    last = schedule.last_run_at or schedule.date_changed or now
    zone = getattr(when, "tz", None)
    remaining: timedelta = when.remaining_estimate(last.astimezone(zone) if zone else last)
    # It is computed from another "now", some microseconds ago.
    return (now + remaining + timedelta(seconds=0.5)).replace(microsecond=0)


def missed(
    schedule: PeriodicTask, runs: Sequence[datetime], since: datetime, now: datetime
) -> int | None:
    """How many runs should have been between `since` and `now` and were not."""
    when: Any = schedule.schedule
    since = max(since, schedule.start_time or since)
    if isinstance(when, crontab):
        return _missed_by_clock(_times(when, since, now - GRACE), runs)
    if type(when) is interval_schedule:  # crontab and the like are subclasses
        every: timedelta = cast(Any, when).run_every
        recent = max(since, now - MOST_RUNS * every)
        return _missed_by_interval(every, [run for run in runs if run > recent], recent, now)
    return None


def _missed_by_clock(times: list[datetime], runs: Sequence[datetime]) -> int:
    """Each run stands for one of the times since the run before."""
    filled, done_to = 0, 0
    for run in runs:
        reached = bisect_right(times, run)
        filled += reached > done_to
        done_to = max(done_to, reached)
    return len(times) - filled


def _missed_by_interval(
    every: timedelta, runs: Sequence[datetime], since: datetime, now: datetime
) -> int:
    """Between two runs lies an interval and some delay: gaps count, the slots' edges don't."""
    gone, before = 0, since
    for run in runs:
        gone += max(round((run - before) / every) - 1, 0)
        before = run
    return gone + max(int((now - GRACE - before) / every), 0)


def _times(when: Any, since: datetime, until: datetime) -> list[datetime]:
    """Every minute after `since` that the crontab means: a day has 1,440."""
    minute = since.replace(second=0, microsecond=0)
    found = []
    while (minute := minute + MINUTE) <= until:
        if _means(when, minute.astimezone(getattr(when, "tz", None) or minute.tzinfo)):
            found.append(minute)
    return found


def _means(when: Any, minute: datetime) -> bool:
    return (
        minute.minute in when.minute
        and minute.hour in when.hour
        and minute.isoweekday() % 7 in when.day_of_week
        and minute.day in when.day_of_month
        and minute.month in when.month_of_year
    )


def _known_since(
    schedule: PeriodicTask, marked: datetime | None, runs: Sequence[Run], last: Run | None
) -> datetime | None:
    """Since when it surely was as it is: a mark, else its oldest run that is known."""
    known = [run.at for run in (*runs[:1], last) if run]
    if schedule.last_run_at:
        known.append(schedule.last_run_at)
    return marked or min(known, default=None)


def _runs(names: Sequence[str], *, since: str, limit: int) -> dict[str, list[Run]]:
    """By schedule, the oldest first."""
    found: dict[str, list[Run]] = {}
    for name, job_id, state, at in SQL.fetch_all(
        "slots", {"names": list(names), "since": since, "limit": limit}
    ):
        found.setdefault(name, []).append(Run(job_id=str(job_id), state=state, at=at))
    return found

"""Throughput, failures, latency and depth of the last hour, day and week, kept cheaply.

    naive:  count at the end of each job      every finish fights for one row, the hot path pays
            count when somebody looks         a page reads a million attempts
    here:   once a minute a job counts the attempts that ended since (`jobs.roll_up`)

The attempts are the truth and never change, so a minute may be counted again: the roll-up always
counts the last `AGAIN` anew, for what was committed late, and goes back to where it stopped if beat
was down. Minutes are added up into hours, and hours, when they are too old to be shown, into
`ever`: hours and `ever` together only grow, which is what Prometheus' counters need.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils import timezone

from tasks import buckets
from tasks.buckets import Buckets
from tasks.models import Attempt, JobStatistic, QueueSample
from tasks.statements import SQL

AGAIN = timedelta(minutes=10)
"""Far more than lies between the end of a body and its commit."""

KEEP_MINUTES = timedelta(hours=26)
KEEP_HOURS = timedelta(days=8)
CHUNK = timedelta(hours=6)
"""Of one statement, when there is much to catch up with."""

# Any number that nothing else in the database uses for an advisory lock.
ONE_ROLL_UP = 7_225_139

COUNTS = ("succeeded", "retried", "dead", "crashed", "snoozed", "cancelled")

Unit = JobStatistic.Unit


class Window(Enum):
    """Over how long. Minutes of an hour, but whole hours of a day and a week, are added up."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"

    @property
    def length(self) -> timedelta:
        return {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7)}[
            self.value
        ]

    @property
    def step(self) -> timedelta:
        """Between two points of a line."""
        minutes = {"1h": 1, "24h": 15, "7d": 60}[self.value]
        return timedelta(minutes=minutes)


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What attempts did. Percentiles are in seconds, at most 19 % too high; None without any."""

    succeeded: int = 0
    retried: int = 0
    dead: int = 0
    crashed: int = 0
    snoozed: int = 0
    cancelled: int = 0
    run_s: float = 0.0
    """Sum of the run times."""
    wait_s: float = 0.0
    """Sum of the waits from being due to the start, of attempts that succeeded."""
    run_buckets: Buckets
    wait_buckets: Buckets

    @property
    def failed(self) -> int:
        return self.retried + self.dead + self.crashed

    @property
    def failure_rate(self) -> float:
        """The share of failures in attempts that came to an end, 0 to 1."""
        return self.failed / (self.failed + self.succeeded) if self.failed else 0.0

    @property
    def run_p50_s(self) -> float | None:
        return buckets.percentile_s(self.run_buckets, 0.5)

    @property
    def run_p99_s(self) -> float | None:
        return buckets.percentile_s(self.run_buckets, 0.99)

    @property
    def wait_p50_s(self) -> float | None:
        return buckets.percentile_s(self.wait_buckets, 0.5)

    @property
    def wait_p99_s(self) -> float | None:
        return buckets.percentile_s(self.wait_buckets, 0.99)


@dataclass(frozen=True, kw_only=True)
class TaskNumbers:
    """What the jobs of one task in one queue did."""

    queue: str
    task: str
    numbers: Numbers


@dataclass(frozen=True, kw_only=True)
class Step:
    """One point of a line over time."""

    start: datetime
    succeeded: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class Depth:
    """How long a queue was at one minute."""

    at: datetime
    queue: str
    waiting: int
    running: int
    oldest_s: float


def roll_up(*, now: datetime | None = None) -> int:
    """Count what ended since the last time; return how many rows of minutes were written."""
    now = now or timezone.now()
    written = 0
    with transaction.atomic():
        _alone()
        since = _start(now)
        for first in _chunks(since, now):
            written += _execute("roll_up_minutes", first, min(first + CHUNK, now))
        if written:
            _execute("roll_up_hours", _hour(since), now)
        with connection.cursor() as cursor:
            cursor.execute(SQL.text("sample_queues"), {"at": _minute(now)})
    return written


def prune(*, now: datetime | None = None) -> None:
    """Forget what is too old to be shown; the sums of it stay. Only after a `roll_up`: an hour is
    added up from its minutes.
    """
    now = now or timezone.now()
    with transaction.atomic():
        _alone()
        old = JobStatistic.objects.filter(unit=Unit.MINUTE, start__lt=_hour(now - KEEP_MINUTES))
        old.delete()
        QueueSample.objects.filter(at__lt=now - KEEP_HOURS).delete()
        with connection.cursor() as cursor:
            cursor.execute(SQL.text("fold_hours"), {"before": _hour(now - KEEP_HOURS)})


def by_task(window: Window, *, now: datetime | None = None) -> list[TaskNumbers]:
    """By queue and task, of the tasks that ran in the window."""
    unit = Unit.MINUTE if window is Window.HOUR else Unit.HOUR
    return _numbers([unit], (now or timezone.now()) - window.length)


def by_queue(window: Window, *, now: datetime | None = None) -> dict[str, Numbers]:
    """By queue, of the queues of which something ran."""
    return summed_by_queue(by_task(window, now=now))


def summed_by_queue(rows: Sequence[TaskNumbers]) -> dict[str, Numbers]:
    """`by_queue` of rows that were read already."""
    return {
        queue: total(row.numbers for row in rows if row.queue == queue)
        for queue in sorted({row.queue for row in rows})
    }


def ever() -> list[TaskNumbers]:
    """Everything since the first roll-up: these numbers only grow."""
    return _numbers([Unit.HOUR, Unit.EVER], datetime.fromtimestamp(0, UTC))


def total(parts: Iterable[Numbers]) -> Numbers:
    """All of them added up."""
    run, wait = Counter[int](), Counter[int]()
    sums: Counter[str] = Counter()
    run_s = wait_s = 0.0
    for part in parts:
        run.update(part.run_buckets)
        wait.update(part.wait_buckets)
        run_s, wait_s = run_s + part.run_s, wait_s + part.wait_s
        sums.update({name: getattr(part, name) for name in COUNTS})
    return Numbers(run_s=run_s, wait_s=wait_s, run_buckets=run, wait_buckets=wait, **sums)


def over_time(
    window: Window, *, queue: str = "", task: str = "", now: datetime | None = None
) -> list[Step]:
    """Throughput and failures by the window's step, the oldest first, those without any too."""
    now = now or timezone.now()
    unit = Unit.HOUR if window is Window.WEEK else Unit.MINUTE
    rows = JobStatistic.objects.filter(unit=unit, start__gte=now - window.length)
    rows = rows.filter(queue=queue) if queue else rows
    rows = rows.filter(task=task) if task else rows
    step_s = window.step.total_seconds()
    succeeded, failed = Counter[int](), Counter[int]()
    for row in rows.only("start", "succeeded", "retried", "dead", "crashed"):
        place = int(row.start.timestamp() // step_s)
        succeeded[place] += row.succeeded
        failed[place] += row.retried + row.dead + row.crashed
    last = int(now.timestamp() // step_s)
    return [
        Step(
            start=datetime.fromtimestamp(place * step_s, UTC),
            succeeded=succeeded[place],
            failed=failed[place],
        )
        for place in range(last - window.length // window.step + 1, last + 1)
    ]


def depths(window: Window, *, queue: str = "", now: datetime | None = None) -> list[Depth]:
    """The samples of the window, the oldest first. An empty queue has none."""
    found = QueueSample.objects.filter(at__gte=(now or timezone.now()) - window.length)
    found = found.filter(queue=queue) if queue else found
    return [
        Depth(
            at=each.at,
            queue=each.queue,
            waiting=each.waiting,
            running=each.running,
            oldest_s=each.oldest_s,
        )
        for each in found.order_by("at", "queue")
    ]


def _start(now: datetime) -> datetime:
    """Where the last roll-up stopped and a while before it; at first, the oldest attempt."""
    counted = JobStatistic.objects.filter(unit=Unit.MINUTE)
    newest: datetime | None = counted.aggregate(newest=Max("start"))["newest"]
    if newest:
        start = newest - AGAIN
    else:
        start = Attempt.objects.aggregate(oldest=Min("finished_at"))["oldest"] or now
    return _minute(max(start, now - KEEP_HOURS))


def _chunks(since: datetime, until: datetime) -> Iterable[datetime]:
    while since < until:
        yield since
        since += CHUNK


def _execute(name: str, since: datetime, until: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(SQL.text(name), {"since": since, "until": until})
        return int(cursor.rowcount)


def _numbers(units: list[JobStatistic.Unit], since: datetime) -> list[TaskNumbers]:
    parameters = {"units": [unit.value for unit in units], "since": since}
    return [
        TaskNumbers(
            queue=row[0],
            task=row[1],
            numbers=Numbers(
                **dict(zip(COUNTS, row[2:8], strict=True)),
                run_s=row[8],
                wait_s=row[9],
                run_buckets=buckets.read(json.loads(row[10] or "{}")),
                wait_buckets=buckets.read(json.loads(row[11] or "{}")),
            ),
        )
        for row in SQL.fetch_all("statistics", parameters)
    ]


def _alone() -> None:
    """One roll-up after the other: an older one must not overwrite what a newer one counted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_ROLL_UP])


def _minute(when: datetime) -> datetime:
    return when.replace(second=0, microsecond=0)


def _hour(when: datetime) -> datetime:
    return when.replace(minute=0, second=0, microsecond=0)

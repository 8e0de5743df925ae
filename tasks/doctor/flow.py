"""Jobs on their way: does somebody dispatch, work and schedule, and do ledger and broker agree?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from celery import Celery
from celery.app import app_or_default
from celery.exceptions import QueueNotFound
from django.db.models import Count, Max
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from tasks import queues
from tasks.conf import conf
from tasks.doctor.broker import message_counts
from tasks.doctor.problem import Problem
from tasks.effects import PATIENCE_S
from tasks.models import LIVE_STATES, Job, JobState, PausedQueue
from tasks.schedules import ONE_BEAT
from tasks.statements import SQL

LATE_S = 30.0
"""A due job is published within a second or so."""

SURPLUS = 1000
"""Messages without a job that may be left over from repeated rescues; workers drop them."""

UNSLOTTED = 3
"""Jobs of scheduled tasks in an hour that a person may have enqueued by hand."""


def routes() -> Iterator[Problem]:
    """Every task and every job leads to a queue that is declared."""
    app: Celery = app_or_default()
    declared = set(app.amqp.queues)
    for name in sorted(app.tasks):
        try:
            app.amqp.router.route({}, name, (), {})
        except QueueNotFound:
            yield Problem(
                what=f"The task {name} is routed to a queue that isn't declared.",
                do="Mend CELERY_TASK_ROUTES, or declare the queue in CELERY_TASK_QUEUES.",
            )
    rows = Job.objects.filter(state__in=LIVE_STATES).exclude(queue__in=declared).order_by()
    for row in rows.values("queue").annotate(count=Count("id")):
        yield Problem(
            what=f"{row['count']} jobs are for the queue {row['queue']!r}, which isn't declared.",
            do="Declare it in CELERY_TASK_QUEUES, or cancel them: manage.py queues purge.",
        )


def dispatcher(*, late_s: float = LATE_S) -> Iterator[Problem]:
    """Due jobs are dispatched."""
    row = SQL.fetch_one("gauges", {"patience_s": PATIENCE_S})
    lag_s = row[2] if row else 0.0
    if lag_s > late_s:
        yield Problem(
            what=f"A job has been due for {lag_s:.0f} s and nobody has dispatched it.",
            do="Start manage.py dispatch_jobs, or look at its log: it may wait for RabbitMQ.",
        )


def workers() -> Iterator[Problem]:
    """Every queue with jobs has a worker."""
    app: Celery = app_or_default()
    waiting = {each.name: each.waiting for each in queues.queues() if not each.pause}
    wanted = [name for name in sorted(app.amqp.queues) if waiting.get(name)]
    for name, held in (message_counts(wanted) if wanted else {}).items():
        if held.consumers == 0:
            yield Problem(
                what=f"{waiting[name]} jobs wait in {name!r}, and no worker takes from it.",
                do=f"Start one: celery -A … worker --queues {name}.",
            )


def depths(*, patience: float = 3.0, surplus: int = SURPLUS) -> Iterator[Problem]:
    """RabbitMQ holds about as many messages as the ledger says."""
    late = timezone.now() - timedelta(seconds=conf().republish_after_s * patience)
    queued = Job.objects.filter(state=JobState.QUEUED)
    for name, held in message_counts(sorted(app_or_default().amqp.queues)).items():
        of_queue, ready = queued.filter(queue=name), held.ready
        overdue = of_queue.filter(queued_at__lt=late).count()
        if overdue > ready:
            yield Problem(
                what=f"{overdue} jobs have long been queued in {name!r}, and RabbitMQ holds"
                f" {ready} messages for them.",
                do="The dispatcher's rescue should have published them again: look at its log.",
            )
        if ready > of_queue.count() + surplus:
            yield Problem(
                what=f"RabbitMQ holds {ready} messages in {name!r} for {of_queue.count()} jobs.",
                do="Start workers, which drop those without a job; look for who else publishes.",
                serious=False,
            )


def leases() -> Iterator[Problem]:
    """Jobs of vanished workers are rescued."""
    late = timezone.now() - timedelta(seconds=LATE_S)
    count = Job.objects.filter(state=JobState.RUNNING, lease_until__lt=late).count()
    if count:
        yield Problem(
            what=f"{count} running jobs have lost their worker, and nobody rescues them.",
            do="The dispatcher does: start manage.py dispatch_jobs.",
        )


def beat() -> Iterator[Problem]:
    """One beat runs the schedules."""
    schedules = PeriodicTask.objects.filter(enabled=True).count()
    declared = len(app_or_default().conf.beat_schedule)
    row = SQL.fetch_one("turn_of_beat", {"lock": ONE_BEAT})
    if (schedules or declared) and not (row and row[0]):
        yield Problem(
            what=f"No beat runs: nothing of {max(schedules, declared)} schedules is enqueued.",
            do="Start one: celery -A … beat.",
        )


def second_beat(*, tolerated: int = UNSLOTTED) -> Iterator[Problem]:
    """No other beat enqueues the schedules a second time."""
    scheduler = app_or_default().conf.beat_scheduler
    if scheduler != "tasks.schedules:LedgerScheduler":
        yield Problem(
            what=f"CELERY_BEAT_SCHEDULER is {scheduler}: two beats would run everything twice.",
            do='Set it to "tasks.schedules:LedgerScheduler".',
        )
    rows = (
        Job.objects.filter(
            id__gte=_first_id(timezone.now().timestamp() - 3600),
            task__in=PeriodicTask.objects.filter(enabled=True).values("task"),
            slot=None,
            parent_id=None,
            enqueued_by="",
        )
        .order_by()
        .values("task")
        .annotate(count=Count("id"), newest=Max("created_at"))
        .filter(count__gte=tolerated)
    )
    for row in rows:
        yield Problem(
            what=f"{row['count']} jobs of the scheduled task {row['task']} came without a slot in"
            " the last hour: a second beat, of another kind, seems to run.",
            do="Stop the beat that was started with another --scheduler.",
        )


def pauses() -> Iterator[Problem]:
    """No queue is paused."""
    for each in PausedQueue.objects.order_by("queue"):
        since = each.paused_at.isoformat(" ", "minutes")
        reason = f" ({each.reason})" if each.reason else ""
        yield Problem(
            what=f"{each.queue} has been paused since {since} by {each.paused_by}{reason}.",
            do=f"manage.py queues resume {each.queue}, when it may go on.",
            serious=False,
        )


def _first_id(timestamp: float) -> UUID:
    """The smallest id that a job of that time can have (UUID version 7)."""
    return UUID(int=int(timestamp * 1000) << 80)

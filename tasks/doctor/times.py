"""Clocks and time limits.

RabbitMQ tells nobody its clock over AMQP, and nothing here depends on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from celery import Celery
from celery.app import app_or_default
from django.db import connection

from tasks.checks import CONSUMER_TIMEOUT_S
from tasks.doctor.memory import clients
from tasks.doctor.problem import Problem
from tasks.models import LIVE_STATES, Job

SKEW_S = 1.0
"""Waits, leases and tokens are PostgreSQL's and Redis' own times; a second between them and ours
confuses only people. More is a clock that nobody sets."""


def clocks(*, now: Callable[[], float] = time.time, skew_s: float = SKEW_S) -> Iterator[Problem]:
    """This machine, PostgreSQL and Redis agree on the time."""
    asked: list[tuple[str, Callable[[], float]]] = [("PostgreSQL", _postgresql)]
    asked += [(f"the Redis of {name}", partial(_redis, each)) for name, each in clients().items()]
    for name, ask in asked:
        difference = _difference(now, ask)
        if abs(difference) > skew_s:
            ahead = "ahead of" if difference > 0 else "behind"
            yield Problem(
                what=f"The clock of {name} is {abs(difference):.1f} s {ahead} this machine's.",
                do="Set both by NTP (chronyc tracking, timedatectl).",
            )


def time_limits(*, consumer_timeout_s: float = CONSUMER_TIMEOUT_S) -> Iterator[Problem]:
    """No job may run for longer than RabbitMQ waits for its acknowledgement."""
    app: Celery = app_or_default()
    allowed = {
        name: _patience_s(queue, consumer_timeout_s) for name, queue in app.amqp.queues.items()
    }
    shortest = min(allowed.values(), default=consumer_timeout_s)
    default = app.conf.task_time_limit
    if not default or default >= shortest:
        yield Problem(
            what=f"Jobs may run for {default or 'any number of'} s, and RabbitMQ takes a message"
            f" away after {shortest:.0f} s.",
            do="Set CELERY_TASK_TIME_LIMIT lower, or consumer_timeout in RabbitMQ higher.",
        )
    for name, task in sorted(app.tasks.items()):
        limit = task.time_limit
        if limit and limit >= shortest:
            yield Problem(
                what=f"The task {name} may run for {limit} s, and RabbitMQ takes its message away"
                f" after {shortest:.0f} s.",
                do="Lower its time_limit, or split it into shorter jobs.",
            )
    longer = Job.objects.filter(state__in=LIVE_STATES, options__time_limit__gte=shortest)
    if count := longer.count():
        yield Problem(
            what=f"{count} jobs were enqueued with a time_limit of {shortest:.0f} s or more, like"
            f" {longer.values_list('id', flat=True)[0]}.",
            do="Cancel them, and enqueue shorter ones.",
        )


def _patience_s(queue: Any, default_s: float) -> float:
    """A queue may have a consumer timeout of its own, in milliseconds."""
    own = (queue.queue_arguments or {}).get("x-consumer-timeout")
    return own / 1000 if own else default_s


def _difference(now: Callable[[], float], ask: Callable[[], float]) -> float:
    """How far their clock is ahead of ours, in seconds: at least, since the way takes time too."""
    ask()  # the first may have to connect
    before = now()
    theirs = ask()
    after = now()
    if before <= theirs <= after:
        return 0.0
    return theirs - after if theirs > after else theirs - before


def _postgresql() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        row = cursor.fetchone()
    return float(row[0]) if row else 0.0


def _redis(client: Any) -> float:
    seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1e6

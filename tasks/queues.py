"""Queues as operators see them, and pausing one.

A pause is a row in PostgreSQL, so it survives every restart. While it is there

    scheduled jobs   stay: the dispatcher sets each aside (`held`) when it comes due
    queued jobs      are set aside too; their messages in RabbitMQ find nothing to run and are gone
    running jobs     run to their end; their retries wait as the others do

None of it costs an attempt or a crash. Every statement that makes a job *queued* looks at that row;
the claim, which runs once for each job, does not. What was under way when the row was written and
couldn't see it is waited for by a lock, and set aside then. So when `pause` has returned nothing of
the queue starts. Resuming lets all go, in the order of priority and time.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from celery.app import app_or_default
from django.db import OperationalError, connection, transaction

from tasks import audit_log, jobs
from tasks.errors import NotConfirmed, UnknownQueue
from tasks.models import Job, PausedQueue
from tasks.statements import SQL
from tasks.wakeup import wake_on_commit

logger = logging.getLogger(__name__)

PATIENCE_MS = 2000
"""For a dispatch under way, which takes milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Who paused a queue, and why."""

    since: datetime
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class QueueInfo:
    """One queue, as the ledger has it now."""

    name: str
    later: int
    """Scheduled, and not due yet."""
    due: int
    """Scheduled and due: the dispatcher's next, or held while the queue is paused."""
    queued: int
    """With RabbitMQ."""
    running: int
    dead: int
    oldest_s: float | None
    """For how long the oldest job that has not started has been due; None without one."""
    pause: Pause | None

    @property
    def waiting(self) -> int:
        """Due or queued: what workers are behind with."""
        return self.due + self.queued


def queues() -> list[QueueInfo]:
    """Every declared queue and every other one that has a job, by name."""
    found = {row[0]: row[1:] for row in SQL.fetch_all("queues", {})}
    pauses = {
        each.queue: Pause(since=each.paused_at, by=each.paused_by, reason=each.reason)
        for each in PausedQueue.objects.all()
    }
    nothing = (0, 0, 0, 0, 0, None)
    return [
        _info(name, found.get(name, nothing), pauses.get(name))
        for name in sorted({*app_or_default().amqp.queues, *found, *pauses})
    ]


def pause(*, queue: str, actor: str, reason: str = "") -> bool:
    """Start no more jobs of the queue until `resume`; False when it is paused already.

    Not inside a transaction: what others do meanwhile must see it. Raises `UnknownQueue`.
    """
    _check_known(queue)
    with transaction.atomic(durable=True):
        _, paused_now = PausedQueue.objects.get_or_create(
            queue=queue, defaults={"paused_by": actor, "reason": reason}
        )
        if paused_now:
            audit_log.record(
                actor=actor, action="queue.pause", subject=f"queue:{queue}", reason=reason
            )
    _wait_for_the_blind()
    jobs.hold_paused()
    return paused_now


def resume(*, queue: str, actor: str, reason: str = "") -> bool:
    """Let the queue's jobs go on; False when it isn't paused."""
    with transaction.atomic(durable=True):
        gone, _ = PausedQueue.objects.filter(queue=queue).delete()
        if not gone:
            return False
        audit_log.record(
            actor=actor, action="queue.resume", subject=f"queue:{queue}", reason=reason
        )
    jobs.let_go()
    wake_on_commit()
    return True


def purge(*, queue: str, confirm: str, actor: str, reason: str = "") -> int:
    """Cancel every job of the queue that has not started; return how many there were.

    `confirm` is the queue's name, typed again by the person. Running jobs go on. Cancelled jobs can
    be retried. Raises `NotConfirmed` and `UnknownQueue`.
    """
    _check_known(queue)
    if confirm != queue:
        raise NotConfirmed(
            f"Type the queue's name, {queue}, to confirm that its jobs are cancelled."
        )
    with transaction.atomic():
        cancelled = jobs.cancel_waiting(queue=queue)
        audit_log.record(
            actor=actor,
            action="queue.purge",
            subject=f"queue:{queue}",
            reason=reason,
            details={"cancelled": len(cancelled)},
        )
    return len(cancelled)


def _wait_for_the_blind() -> None:
    """Wait for every transaction that has read the paused queues and may not have seen the newest.

    Each holds a share of the table's lock until its end, so having the whole lock means that there
    is none. Somebody who reads for long (pg_dump) must not hold up the dispatchers behind us: then
    we go on without it, and the rescue sets aside what slipped through.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{PATIENCE_MS}ms"])
            cursor.execute("LOCK TABLE tasks_pausedqueue IN ACCESS EXCLUSIVE MODE")
    except OperationalError as error:
        logger.warning("A paused queue may start jobs for some seconds: %s", error)


def _check_known(queue: str) -> None:
    declared = sorted(app_or_default().amqp.queues)
    if queue not in declared and not Job.objects.filter(queue=queue).exists():
        raise UnknownQueue(f"No queue {queue!r}: there are {', '.join(declared)}.")


def _info(
    name: str, row: tuple[int, int, int, int, int, float | None], pause: Pause | None
) -> QueueInfo:
    later, due, queued, running, dead, oldest_s = row
    return QueueInfo(
        name=name,
        later=later,
        due=due,
        queued=queued,
        running=running,
        dead=dead,
        oldest_s=oldest_s,
        pause=pause,
    )

"""Finds the jobs that RabbitMQ or a worker has lost, and sends them on their way again.

Three things go wrong: a worker vanishes with a running job (its lease lapses), a message vanishes
(a queue was wiped, a node reset, or it was confirmed and dropped all the same), and RabbitMQ gives
a message up (it is in `parking`, see `tasks.parking`).

Which message vanished can't be seen, but how many can: the ledger says how many jobs are queued,
the broker how many messages wait. The difference, oldest jobs first, is published again. That
includes a few that workers have prefetched, so there may be one duplicate for each; then the counts
agree and it stops. However long a queue is, it never grows by more than what was missing, and a
duplicate finds its job claimed or done. As the queue empties the count gets exact: when no message
waits, everything still queued is published again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Count

from tasks import jobs
from tasks.conf import conf
from tasks.jobs import Envelope
from tasks.models import Job, JobState
from tasks.publisher import Publisher

logger = logging.getLogger(__name__)

# Any number will do as long as nothing else in the database takes the same advisory lock.
ONE_RESCUER = 7_225_137


@dataclass(frozen=True)
class Rescued:
    lapsed: int
    """Running jobs whose worker went silent."""

    lost: list[Envelope]
    """Queued jobs to be published again."""


def rescue(publisher: Publisher) -> Rescued:
    """Look once. Of several dispatchers that look at the same time only one gets work.

    Raises `BrokerUnavailable`.
    """
    # The messages are counted first: jobs that are claimed in between then only seem less missing.
    ready = {queue: publisher.ready_messages(queue) for queue in _queued_by_queue()}
    with transaction.atomic():
        if not _alone():
            return Rescued(lapsed=0, lost=[])
        _keep_pauses()
        lapsed = jobs.take_over_lapsed(batch=conf().batch_size)
        lost = _lost(ready)
    if lapsed:
        logger.warning("Rescued %d jobs from vanished workers", lapsed)
    if lost:
        logger.warning("Publishing %d jobs again that the broker does not hold", len(lost))
    return Rescued(lapsed=lapsed, lost=lost)


def _keep_pauses() -> None:
    """Set aside what became queued while its queue was being paused (a dispatch under way, a worker
    that gave a job back), and let go what was set aside while it was being resumed.
    """
    jobs.hold_paused()
    jobs.let_go()


def _lost(ready: dict[str, int]) -> list[Envelope]:
    lost: list[Envelope] = []
    for queue, queued in _queued_by_queue().items():
        missing = queued - ready.get(queue, queued)
        if missing > 0:
            lost += jobs.take_lost(
                queue=queue,
                missing=min(missing, conf().batch_size),
                age_s=conf().republish_after_s,
            )
    return lost


def _queued_by_queue() -> dict[str, int]:
    rows = Job.objects.filter(state=JobState.QUEUED).order_by().values("queue")
    return {row["queue"]: row["count"] for row in rows.annotate(count=Count("id"))}


def _alone() -> bool:
    """Held until the transaction's end, so that PgBouncer in transaction mode can serve it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ONE_RESCUER])
        row = cursor.fetchone()
    return bool(row and row[0])

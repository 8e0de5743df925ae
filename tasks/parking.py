"""Empties the `parking` queue, where RabbitMQ puts what no worker could take.

A parked message proves nothing about its job: RabbitMQ counts deliveries, not starts, so a job that
was only ever prefetched beside a poisonous one ends here too. The ledger decides:

    its job ended or runs         forget the message
    its job is queued             publish it again; its own count of crashes says when it is dead
    nobody knows the task         the job is dead
    not in the ledger at all      a dead job is made of it, for people to see
"""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from celery import Celery
from kombu import Connection
from kombu.utils import json

from tasks import jobs, topology
from tasks.conf import conf
from tasks.enqueue import encode
from tasks.errors import BadArguments, BrokerUnavailable
from tasks.models import Job, new_job_id
from tasks.privacy import scrub
from tasks.publisher import LEDGER_HEADER

logger = logging.getLogger(__name__)

# Workers of an older release may not know a new task yet; they get this long, again and again.
UNKNOWN_TO_WORKER_WAIT_S = 10.0

SHOWN_BODY_CHARS = 500


def empty(app: Celery, connection: Connection) -> int:
    """Settle every parked message, a batch at the most; return how many there were.

    Raises `BrokerUnavailable`. A message is acknowledged after the ledger has its answer.
    """
    settled = 0
    try:
        with connection.channel() as channel:
            queue = topology.PARKING_QUEUE(channel)
            while settled < conf().batch_size and (message := queue.get()) is not None:
                settle(app, message)
                message.ack()
                settled += 1
    except topology.broker_errors(connection) as error:
        raise BrokerUnavailable(str(error) or type(error).__name__) from error
    return settled


def settle(app: Celery, message: Any) -> None:
    """Decide about one parked message."""
    headers = message.headers or {}
    job_id, task = _uuid(headers.get("id")), str(headers.get("task") or "")
    if job_id is None or not Job.objects.filter(id=job_id).exists():
        if not headers.get(LEDGER_HEADER):  # else its job ended so long ago that it was pruned
            _make_visible(app, message, job_id, task)
    elif task not in app.tasks:
        jobs.bury(job_id, error=f"No task {task!r} is registered.")
    elif headers.get("x-first-death-reason") == "rejected":
        jobs.unpark(
            job_id,
            wait_s=UNKNOWN_TO_WORKER_WAIT_S,
            crashed=False,
            error=f"A worker that doesn't know {task!r} refused it.",
        )
    else:
        jobs.unpark(
            job_id,
            wait_s=0,
            crashed=True,
            error=f"RabbitMQ gave it up after {topology.DELIVERY_LIMIT} deliveries.",
        )


def _make_visible(app: Celery, message: Any, job_id: UUID | None, task: str) -> None:
    args, kwargs, unreadable = _arguments(message)
    if unreadable:
        error = f"The message can't be read ({unreadable}): {_shown(message)}"
    elif task not in app.tasks:
        error = f"No task {task!r} is registered."
    else:
        error = "No worker could take the message. Retry it to run it."
    made = job_id or new_job_id()
    jobs.adopt(
        job_id=made,
        task=task or "(unknown)",
        queue=str(message.headers.get("x-first-death-queue") or topology.PARKING_QUEUE.name),
        args=args,
        kwargs=kwargs,
        error=scrub(error.replace("\0", "")),
    )
    logger.error("Dead job %s: %s", made, error)


def _arguments(message: Any) -> tuple[str, str, str]:
    """Arguments and keyword arguments as JSON, and why they can't be read, if so."""
    if message.content_type != "application/json":
        return "[]", "{}", f"content type {message.content_type!r}"
    try:
        args, kwargs, _ = json.loads(message.body)
        return encode(list(args)), encode(dict(kwargs)), ""
    except (TypeError, ValueError, BadArguments) as error:
        return "[]", "{}", str(error)


def _shown(message: Any) -> str:
    body = message.body
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    return text[:SHOWN_BODY_CHARS]


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None

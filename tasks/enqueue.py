"""Turns a Celery call into a row of the ledger, in the caller's own transaction.

    naive:  save the order ─▶ publish to RabbitMQ ─▶ commit
            publish fails: no job for the order · commit fails: a job for no order · crash: either
    here:   save the order + INSERT the job ─▶ commit ─▶ (the dispatcher publishes)

No commit, no job; a commit, a job. The caller never talks to RabbitMQ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from celery import Celery
from django.utils import timezone
from kombu.utils import json

from tasks import tracing
from tasks.conf import conf
from tasks.context import current_caller, current_job
from tasks.errors import BadArguments, JobError, NotSupported
from tasks.jobs import check_priority
from tasks.models import LIVE_STATES, Job, new_job_id
from tasks.statements import SQL
from tasks.wakeup import wake_on_commit

if TYPE_CHECKING:
    from tasks.task import JobTask

# What Celery's own canvas, beat or callers may pass that means nothing to the ledger: the
# dispatcher publishes, and who follows whom is kept in the ledger.
IGNORED_OPTIONS = frozenset(
    {
        "add_to_parent", "confirm_timeout", "connection", "delivery_mode", "group_id",
        "group_index", "headers", "ignore_result", "parent_id", "producer", "publisher",
        "replaced_task_nesting", "reply_to", "result_cls", "retries", "retry", "root_id",
        "routing_key", "exchange", "serializer", "shadow", "stamped_headers", "stamps", "task_type",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CallOptions:
    """The options of a call that the ledger honours. Times are seconds or aware datetimes."""

    countdown: float | None = None
    eta: datetime | None = None
    expires: float | datetime | None = None
    priority: int | None = None
    queue: str | None = None
    unique_key: str | None = None
    slot: str | None = None
    subject: str | None = None
    tags: Sequence[str] = ()
    link: Any = None
    link_error: Any = None
    chain: Any = None
    time_limit: float | None = None
    soft_time_limit: float | None = None

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> CallOptions:
        """Raises `TypeError` for an option that nobody knows, `NotSupported` for a chord."""
        if options.get("chord"):
            raise NotSupported(
                "A chord needs a result backend that can lose its body. Let the last job of a "
                "group enqueue what follows, in its own transaction."
            )
        known = {
            name: value
            for name, value in options.items()
            if name not in IGNORED_OPTIONS and name != "chord" and value is not None
        }
        return cls(**known)


def enqueue(
    task: JobTask,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    options: CallOptions,
    *,
    task_id: str | None = None,
) -> UUID:
    """Write one job; return its id, or that of the job that is there already under the same
    id, slot or live unique key.

    Raises `BadArguments` for what can't be stored and `ValueError` for an option out of range.
    """
    job_id = _job_id(task_id)
    row = {
        "id": job_id,
        "args": encode(list(args)),
        "kwargs": encode(dict(kwargs)),
        "unique_key": options.unique_key or task.unique_key_of(args, kwargs),
        "slot": options.slot,
        "subject": _subject(task, args, kwargs, options),
        **_shared(task, args, kwargs, options),
    }
    with tracing.enqueuing(task.name, queue=row["queue"]) as span:
        return _write({**row, "traceparent": span.traceparent})


def enqueue_many(
    task: JobTask, calls: Iterable[tuple[Sequence[Any], Mapping[str, Any]]], **options: Any
) -> list[UUID]:
    """Write a job for each `(args, kwargs)` by one INSERT; return their ids in order.

    All share the options of `apply_async`, except unique keys and slots, which name one job.
    """
    read = CallOptions.read(options)
    pairs = [(list(args), dict(kwargs)) for args, kwargs in calls]
    if read.unique_key or read.slot:
        raise NotSupported(
            "enqueue_many takes no unique_key or slot: enqueue such jobs one by one."
        )
    if not pairs:
        return []
    for args, kwargs in pairs:
        task.check_signature(args, kwargs)
    ids = [new_job_id() for _ in pairs]
    rows = {
        "ids": ids,
        "args": [encode(args) for args, _ in pairs],
        "kwargs": [encode(kwargs) for _, kwargs in pairs],
        "subjects": [_subject(task, args, kwargs, read) for args, kwargs in pairs],
        **_shared(task, *pairs[0], read),
    }
    with tracing.enqueuing(task.name, queue=rows["queue"], count=len(ids)) as span:
        SQL.run("enqueue_many", {**rows, "traceparent": span.traceparent})
    wake_on_commit()
    return ids


def _write(row: dict[str, Any]) -> UUID:
    # The row in the way may end between our INSERT and our look at it; then the INSERT is free.
    for _ in range(5):
        if SQL.fetch_one("enqueue", row) is not None:
            wake_on_commit()
            job_id: UUID = row["id"]
            return job_id
        found = _already_there(row["id"], row["slot"], row["unique_key"])
        if found is not None:
            return found
    raise JobError(f"Jobs with the key {row['unique_key']!r} come and go too fast to enqueue one.")


def encode(value: Any) -> str:
    """JSON as kombu writes it: dates, decimals and UUIDs survive. Raises `BadArguments`."""
    try:
        text: str = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadArguments(f"Arguments must be JSON: {error}") from error
    if "\\u0000" in text:
        raise BadArguments("PostgreSQL can't store NUL characters; take them out of the arguments.")
    if len(text) > conf().max_argument_bytes:
        raise BadArguments(
            f"Arguments of {len(text)} bytes exceed JOBS_MAX_ARGUMENT_BYTES: pass an id instead."
        )
    return text


def _shared(
    task: JobTask, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions
) -> dict[str, Any]:
    """The columns that all jobs of one call have in common."""
    job, caller = current_job(), current_caller()
    return {
        "task": task.name,
        "queue": _queue(task, args, kwargs, options),
        "priority": _priority(options.priority if options.priority is not None else task.priority),
        **_times(options),
        "tags": list(options.tags or task.tags),
        "correlation_id": job.correlation_id if job else caller.correlation_id,
        "enqueued_by": caller.name or (f"job:{job.task}" if job else ""),
        "parent_id": job.id if job else None,
        "options": _kept(options),
    }


def _times(options: CallOptions) -> dict[str, Any]:
    if options.countdown is not None and options.eta is not None:
        raise ValueError("Give either countdown or eta, not both.")
    expires = options.expires
    return {
        "countdown": None if options.countdown is None else float(options.countdown),
        "eta": _aware(options.eta),
        "lifetime": float(expires) if isinstance(expires, int | float) else None,
        "expires_at": None if isinstance(expires, int | float) else _aware(expires),
    }


def _aware(when: datetime | str | None) -> datetime | None:
    """Celery passes times on as ISO text too; a naive one means UTC, as Celery has it."""
    moment = datetime.fromisoformat(when) if isinstance(when, str) else when
    if moment is not None and timezone.is_naive(moment):
        return timezone.make_aware(moment, timezone.get_default_timezone())
    return moment


def _priority(value: int | None) -> int:
    return check_priority(value or 0)


def _queue(
    task: JobTask, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions
) -> str:
    """The queue named in the call, else by the app's routes. Raises `QueueNotFound`."""
    app: Celery = task.app
    given = {"queue": options.queue} if options.queue else {}
    route = app.amqp.router.route(given, task.name, tuple(args), dict(kwargs))
    return str(route["queue"].name)


def _subject(
    task: JobTask, args: Sequence[Any], kwargs: Mapping[str, Any], options: CallOptions
) -> str:
    return (options.subject or task.subject_of(args, kwargs))[:80]


def _kept(options: CallOptions) -> str | None:
    """Options that count later, as JSON: what follows the job, and its time limits."""
    kept: dict[str, Any] = {
        "link": _listed(options.link),
        "link_error": _listed(options.link_error),
        "chain": _listed(options.chain),
        "time_limit": options.time_limit,
        "soft_time_limit": options.soft_time_limit,
    }
    kept = {name: value for name, value in kept.items() if value}
    return encode(kept) if kept else None


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _job_id(task_id: str | None) -> UUID:
    if task_id is None:
        return new_job_id()
    try:
        return UUID(str(task_id))
    except ValueError as error:
        raise ValueError(f"task_id must be a UUID, not {task_id!r}.") from error


def _already_there(job_id: UUID, slot: str | None, unique_key: str | None) -> UUID | None:
    same_id = Job.objects.filter(id=job_id)
    same_slot = Job.objects.filter(slot=slot) if slot else Job.objects.none()
    same_key = Job.objects.filter(unique_key=unique_key, state__in=LIVE_STATES)
    for jobs in (same_id, same_slot, same_key if unique_key else Job.objects.none()):
        found = jobs.values_list("id", flat=True).first()
        if found is not None:
            return found
    return None

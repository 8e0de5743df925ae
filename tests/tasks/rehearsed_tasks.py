"""Tasks whose jobs `test_dry_run` tries out, and short ways to have such a job dead or run."""

from __future__ import annotations

import smtplib
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any
from uuid import UUID

import httpx
from celery import shared_task
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tasks import jobs
from tasks.context import current_job
from tasks.models import Effect, Job, JobState, PausedQueue
from tasks.retry import RetryPolicy
from tasks.task import JobTask
from tests.tasks.sample_tasks import mark, note

RAW = "UPDATE tasks_pausedqueue SET reason = 'raw' WHERE queue = 'stock'"


KEPT = list[socket.socket]()
"""A connection that was open before."""


def dead(task: Any, *args: Any, **kwargs: Any) -> UUID:
    """A job of the task that died of something that is mended by now."""
    job_id = UUID(task.delay(*args, **kwargs).id)
    Job.objects.filter(pk=job_id).update(
        state=JobState.DEAD, attempt=3, failures=3, error="it broke", finished_at=timezone.now()
    )
    return job_id


def retry(task: Any, job_id: UUID) -> Any:
    """Retry it for real, in this process, as a worker would run it."""
    assert jobs.retry(job_id)
    jobs.take_due(batch=1000)
    job = Job.objects.get(pk=job_id)
    task.push_request(id=str(job_id), hostname="w@here", delivery_info={}, called_directly=False)
    try:
        return task(*job.args, **job.kwargs)
    finally:
        task.pop_request()


@shared_task(name="rehearsed.write", base=JobTask)
def write() -> dict[str, int]:
    """Insert, update by raw SQL, delete, and enqueue; atomic."""
    PausedQueue.objects.create(queue="new", paused_by="user:1")
    with connection.cursor() as cursor:
        cursor.execute(RAW)
    PausedQueue.objects.filter(queue="email").delete()
    note.apply_async(("after",), subject="order:7")
    return {"written": 3}


@shared_task(name="rehearsed.write_apart", base=JobTask, atomic=False)
def write_apart() -> None:
    """The same in transactions of its own; between them errors that it survives."""
    with transaction.atomic(durable=True):
        PausedQueue.objects.create(queue="new", paused_by="user:1")
    for attempt in (_twice, _twice_without_savepoint):
        try:
            attempt()
        except IntegrityError:
            PausedQueue.objects.filter(queue="stock").update(reason="raw")
    with transaction.atomic():
        PausedQueue.objects.filter(queue="email").delete()


def _twice() -> None:
    PausedQueue.objects.create(queue="new", paused_by="user:2")


def _twice_without_savepoint() -> None:
    with transaction.atomic(savepoint=False):
        PausedQueue.objects.create(queue="lost", paused_by="user:2")
        PausedQueue.objects.create(queue="new", paused_by="user:2")


@shared_task(name="rehearsed.swallow", base=JobTask)
def swallow() -> None:
    """Takes every failure for one that it knows."""
    try:
        httpx.get("http://127.0.0.1:1/")
    except Exception:
        mark("swallowed")


@shared_task(name="rehearsed.reach", base=JobTask, atomic=False)
def reach(how: str) -> None:
    """Talk to the outside past an effect."""
    WAYS[how]()


def _raw(statement: str, on: Any = connection) -> None:
    with on.cursor() as cursor:
        cursor.execute(statement)


def _commit_in_disguise() -> None:
    """Whatever it catches, it can't go on."""
    mark("disguised")
    with suppress(Exception):
        _raw("/* done */ COMMIT")
    mark("disguised")
    _raw("/* done */ COMMIT")


WAYS: dict[str, Callable[[], object]] = {
    "http": lambda: httpx.get("http://127.0.0.1:1/"),
    "name": lambda: httpx.get("http://provider.example/"),
    "smtp": lambda: smtplib.SMTP("127.0.0.1", 1),
    "program": lambda: subprocess.run(["true"], check=True),
    "thread": lambda: threading.Thread(target=mark, args=("thread",)).start(),
    "kept": lambda: KEPT[0].sendall(b"hello"),
    "connection": lambda: _raw(RAW, connection.copy()),
    "commit": lambda: _raw("COMMIT"),
    "disguised commit": _commit_in_disguise,
}


@shared_task(name="rehearsed.sleep", base=JobTask)
def sleep(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


@shared_task(name="rehearsed.dangle", base=JobTask, atomic=False)
def dangle() -> None:
    """Breaks a foreign key that PostgreSQL checks at the commit."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO auth_user_groups (user_id, group_id) VALUES (2147483647, 2147483647)"
        )


@shared_task(name="rehearsed.look", base=JobTask)
def look() -> list[Any]:
    """What the body sees of its job."""
    job = current_job()
    assert job is not None
    job.progress(done=1, total=2)
    return [str(job.id), job.attempt, look.request.id, Effect.objects.count()]


@shared_task(name="rehearsed.spin", base=JobTask)
def spin() -> None:
    """Computes for half a second."""
    until = monotonic() + 0.5
    while monotonic() < until:
        _turn()
    PausedQueue.objects.create(queue="spun", paused_by="user:1")


def _turn() -> None: ...


@shared_task(name="rehearsed.many", base=JobTask)
def many(count: int) -> None:
    PausedQueue.objects.bulk_create(
        PausedQueue(queue=f"q{number}", paused_by="user:1") for number in range(count)
    )


@shared_task(name="rehearsed.make_user", base=JobTask)
def make_user() -> None:
    get_user_model().objects.create_user("eve", password="apple")


@shared_task(name="rehearsed.ask_on", base=JobTask, atomic=False)
def ask_on() -> None:
    """Asks the database until somebody ends it."""
    while True:
        with transaction.atomic():
            PausedQueue.objects.get_or_create(queue="new", defaults={"paused_by": "user:1"})


@shared_task(name="rehearsed.fail_soon", base=JobTask, retry_policy=RetryPolicy(deadline_s=3600))
def fail_soon() -> None:
    raise ValueError("not now")

"""Tasks for the platform's own tests; workers load them by `include=`.

They talk to the test through Redis: `reached` says that a body is at work, and `hold` waits there
until the test lets it go on. A `mark` is a row that the body writes, to be counted afterwards.
"""

from __future__ import annotations

import logging
import os
import signal
import uuid

import redis
from celery import shared_task
from django.conf import settings

from tasks.context import current_job
from tasks.locks import lock
from tasks.models import Effect
from tasks.outcomes import Cancel, Permanent, Retry, Snooze
from tasks.retry import RetryPolicy
from tasks.task import JobTask

logger = logging.getLogger(__name__)

MODULE = "tests.tasks.sample_tasks"
QUICK = RetryPolicy(max_attempts=3, base_s=0.1, cap_s=0.2)
LONGEST_HOLD_S = 60


def signals() -> redis.Redis:
    # The socket must outlive the longest wait in Redis.
    longest = LONGEST_HOLD_S + 5
    return redis.Redis.from_url(settings.REDIS_URL, decode_responses=True, socket_timeout=longest)


def mark(name: str) -> None:
    """Write a row that shows that this body's transaction was committed."""
    Effect.objects.create(
        key=f"{name}:{uuid.uuid4()}", kind="mark", fingerprint="", intended_at="2026-01-01T00:00Z"
    )


def marks(name: str) -> int:
    return Effect.objects.filter(kind="mark", key__startswith=f"{name}:").count()


@shared_task(name="sample.note", base=JobTask, retry_policy=QUICK)
def note(name: str) -> str:
    mark(name)
    return name


@shared_task(name="sample.add", base=JobTask)
def add(left: int, right: int) -> int:
    return left + right


@shared_task(name="sample.hold", base=JobTask, retry_policy=QUICK)
def hold(name: str) -> None:
    """Mark, say so, and wait for `go:<name>`."""
    mark(name)
    with signals() as client:
        client.rpush(f"reached:{name}", os.getpid())
        client.blpop(f"go:{name}", timeout=LONGEST_HOLD_S)


@shared_task(name="sample.lock", base=JobTask)
def take_lock(key: str) -> None:
    with lock(key):
        mark(key)


@shared_task(name="sample.watch", base=JobTask, atomic=False)
def watch(name: str) -> None:
    """Report progress until somebody cancels the job."""
    job = current_job()
    assert job is not None
    with signals() as client:
        for done in range(LONGEST_HOLD_S * 10):
            job.progress(done=done, total=LONGEST_HOLD_S * 10, note="watching")
            client.blpop(f"go:{name}", timeout=0.1)


@shared_task(name="sample.fail", base=JobTask, retry_policy=QUICK)
def fail(name: str) -> None:
    """Leaves a mark that its failure takes back."""
    mark(name)
    logger.warning("about to break")
    raise ValueError("it broke")


@shared_task(name="sample.end", base=JobTask)
def end(how: str) -> str:
    """End in the way it is told."""
    job = current_job()
    assert job is not None
    if how == "snooze" and job.attempt < 4:
        raise Snooze(0.1, "not yet")
    if how == "retry" and job.attempt < 2:
        raise Retry("once more", after=0.1)
    if how == "permanent":
        raise Permanent("no such thing")
    if how == "cancel":
        raise Cancel("not wanted any more")
    if how == "memory":
        raise Permanent("out of memory") from MemoryError()
    if how == "bare memory":
        raise MemoryError("too much")
    return how


@shared_task(name="sample.poison", base=JobTask)
def poison() -> None:
    """Takes its whole process along."""
    os.kill(os.getpid(), signal.SIGKILL)

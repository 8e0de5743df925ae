"""One run of a job in a worker: claim, run, finish.

RabbitMQ delivers at least once, so the same job may arrive twice, at two workers, at once. The
claim's attempt number makes that harmless:

    worker A: claim (1) … body … [stalls] ………………… finish (1): no row ─▶ roll back, forget
    worker B:           claim (2) … body … finish (2): one row ─▶ commit

An atomic task's body and its finish are one transaction, so A's writes vanish with A's finish.
A non-atomic task does its outside work through `tasks.effects`, which holds the same promise by
idempotency keys.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import NAMESPACE_OID, UUID, uuid5

from celery.canvas import Signature
from celery.exceptions import Ignore, Reject
from celery.exceptions import Retry as CeleryRetry
from django.db import InterfaceError, OperationalError, connection, transaction

from tasks import jobs, tracing
from tasks.conf import conf
from tasks.context import CurrentJob, running
from tasks.enqueue import encode
from tasks.errors import JobDied, Superseded
from tasks.lease import keeping
from tasks.outcomes import Cancel, Outcome, Permanent, Snooze
from tasks.privacy import scrub
from tasks.publisher import LEDGER_HEADER

if TYPE_CHECKING:
    from tasks.task import JobTask


def run(task: JobTask, request: Any) -> Any:
    """Run the job that a message announced, if there is still something to run.

    Returns the body's result; raises what tells Celery (and so Flower) how it ended: the error of
    a job that is dead now, `celery.exceptions.Retry` for one that will run again, `Ignore` for a
    message without work.
    """
    claim = _claim(task, request)
    if claim is None:
        raise Ignore("nothing to run: ended, or another worker's")
    job = CurrentJob(
        id=claim.id,
        attempt=claim.attempt,
        task=task.name,
        correlation_id=claim.correlation_id,
        worker=worker_name(request),
        subject=claim.subject,
    )
    traced = tracing.attempt(job, queue=claim.queue, parent=claim.traceparent)
    with running(job), keeping(job), traced:
        try:
            return _perform(task, claim, job)
        except Superseded as error:
            raise Ignore(str(error)) from error
        except Exception as error:
            job.error_kind = type(error).__name__
            _settle(task, claim, job, error)


def worker_name(request: Any) -> str:
    """Node name and process: `checkout@host:4711`."""
    return f"{request.hostname}:{os.getpid()}"


def _claim(task: JobTask, request: Any) -> jobs.Claim | None:
    job_id = _job_id(request.id)
    worker = worker_name(request)
    delivery = request.delivery_info or {}
    redelivered = bool(delivery.get("redelivered"))
    try:
        claim = jobs.claim(job_id, worker=worker, redelivered=redelivered)
    except (InterfaceError, OperationalError):
        # The kept connection broke since the last job. Asking for its health before each job would
        # cost every one of them a round trip; a claim is as good a question.
        connection.close()
        claim = jobs.claim(job_id, worker=worker, redelivered=redelivered)
    if claim is None and not request.get(LEDGER_HEADER) and _adopt(task, request, job_id):
        claim = jobs.claim(job_id, worker=worker, redelivered=False)
    return claim


def _adopt(task: JobTask, request: Any, job_id: UUID) -> bool:
    """Take in a message that somebody published past the ledger; its delivery made it durable."""
    return jobs.adopt(
        job_id=job_id,
        task=task.name,
        queue=str((request.delivery_info or {}).get("routing_key") or ""),
        args=encode(list(request.args or ())),
        kwargs=encode(dict(request.kwargs or {})),
    )


def _job_id(message_id: str) -> UUID:
    """Foreign messages may have any id; the same one gives the same job."""
    try:
        return UUID(message_id)
    except ValueError:
        return uuid5(NAMESPACE_OID, message_id)


def _perform(task: JobTask, claim: jobs.Claim, job: CurrentJob) -> Any:
    with transaction.atomic() if task.atomic else nullcontext():
        result = task.run(*claim.args, **claim.kwargs)
        with nullcontext() if task.atomic else transaction.atomic():
            _succeed(task, claim, job, result)
    return result


def _succeed(task: JobTask, claim: jobs.Claim, job: CurrentJob, result: Any) -> None:
    """Finish and enqueue what follows, in the caller's transaction."""
    wait = task.wait_for_disk or not task.atomic
    if not jobs.succeed(job, result=encoded(result), wait_for_disk=wait):
        raise Superseded(f"Attempt {job.attempt} of {job.id} was superseded.")
    enqueue_followers(task, claim.options, result)


def enqueue_followers(task: JobTask, options: Mapping[str, Any], result: Any) -> None:
    """What a job's success sets off: its callbacks and the rest of its chain."""
    for callback in options.get("link", []):
        _signature(task, callback).apply_async((result,))
    chain = list(options.get("chain", []))
    if chain:
        _signature(task, chain.pop()).apply_async((result,), chain=chain or None)


def encoded(result: Any) -> str | None:
    """As the ledger keeps it. Raises `Permanent` for one that is too large."""
    if result is None:
        return None
    text = encode(result)
    if len(text) > conf().max_result_bytes:
        raise Permanent(f"The result of {len(text)} bytes exceeds JOBS_MAX_RESULT_BYTES.")
    return text


def _settle(task: JobTask, claim: jobs.Claim, job: CurrentJob, error: Exception) -> NoReturn:
    """Record a run that did not succeed and say so to Celery."""
    if connection.errors_occurred:
        connection.close_if_unusable_or_obsolete()
    if isinstance(error, Cancel | Ignore):
        reason = scrub(str(error))
        jobs.withdraw(job, error=reason)
        raise Ignore(f"cancelled: {reason}") from error
    wait_s = _wait_s(task, claim, error)
    if wait_s is None:
        _fail(task, claim, job, error)
        if isinstance(error, MemoryError | Reject):
            # Celery 5.7 ends the whole worker for the first and parks the message for the second.
            raise JobDied(_summary(error)) from error
        raise error
    again = jobs.try_again(
        job,
        wait_s=wait_s,
        error=_summary(error),
        traceback=_trace(error),
        failed=not isinstance(error, Snooze),
    )
    if not again:
        raise Ignore("superseded") from error
    when: Any = wait_s  # a number, which the type stubs want as numbers.Real
    raise CeleryRetry(_summary(error), when=when) from error


def _wait_s(task: JobTask, claim: jobs.Claim, error: Exception) -> float | None:
    if isinstance(error, Snooze):
        return error.after_s
    return task.retry_policy.wait_s(error, failures=claim.failures + 1, age_s=claim.age_s)


def _fail(task: JobTask, claim: jobs.Claim, job: CurrentJob, error: Exception) -> None:
    """The job is dead; its `link_error` jobs get its id, as Celery's errbacks do."""
    with transaction.atomic():
        if not jobs.fail(job, error=_summary(error), traceback=_trace(error)):
            raise Ignore("superseded") from error
        enqueue_errbacks(task, claim.options, job.id)


def enqueue_errbacks(task: JobTask, options: Mapping[str, Any], job_id: UUID) -> None:
    """What a job's death sets off."""
    for errback in options.get("link_error", []):
        _signature(task, errback).apply_async((str(job_id),))


def _signature(task: JobTask, stored: Any) -> Signature[Any]:
    return Signature.from_dict(stored, app=task.app)


def _summary(error: BaseException) -> str:
    name = "" if isinstance(error, Outcome) else f"{type(error).__name__}: "
    return scrub(f"{name}{error}".replace("\0", ""))[:2000]


def _trace(error: BaseException) -> str:
    """The end of the traceback, where the cause is. An outcome that a task chose has none."""
    if isinstance(error, Outcome) and error.__cause__ is None:
        return ""
    text = "".join(traceback.format_exception(error))
    return scrub(text.replace("\0", ""))[-conf().max_traceback_chars :]

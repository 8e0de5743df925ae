"""One OpenTelemetry trace from a request through its jobs to what they do outside, if it is wanted.

    server: POST /checkout/                          the web
      └─ producer: enqueue orders.advance_checkout
           └─ consumer: orders.advance_checkout      a worker, each attempt
                ├─ client: charge                    an effect
                └─ producer: enqueue orders.send_email
                     └─ consumer: orders.send_email …

A job may wait for hours and move between machines, so its context is kept where the job is: the
producer's `traceparent` (https://www.w3.org/TR/trace-context/) is a column of the ledger's row.

Spans are made once `start` was called in a process, which it must be after a fork, with
OTEL_EXPORTER_OTLP_ENDPOINT set, and opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http
installed. Until then nothing is imported and every function here does next to nothing. Whatever
fails in here is logged and costs a span, never a request or a job. Attributes hold ids and names
of ours, no arguments, messages of errors or addresses.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol

from celery.signals import beat_init, worker_process_init, worker_process_shutdown

from tasks.context import CurrentJob

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
MISSING = "%s is set, but traces need opentelemetry-sdk, opentelemetry-exporter-otlp-proto-http: %s"

FAILURES = ("retry", "dead")
"""Outcomes of attempts that make their spans errors."""


class Span(Protocol):
    """What is being measured."""

    traceparent: str | None
    """For whoever goes on with it elsewhere."""

    def note(self, attributes: Mapping[str, Any], *, name: str = "") -> None:
        """Add attributes; values of None are left out. `name` renames the span."""

    def failed(self, kind: str) -> None:
        """The span is an error of this kind."""

    def end(self) -> None: ...


class _Nothing:
    traceparent: str | None = None

    def note(self, attributes: Mapping[str, Any], *, name: str = "") -> None:
        pass

    def failed(self, kind: str) -> None:
        pass

    def end(self) -> None:
        pass


NOTHING: Span = _Nothing()

_begin: Callable[[str, str, str, Mapping[str, Any]], Span] | None = None
_stop: Callable[[], None] | None = None


def start(service: str) -> None:
    """Begin to make spans in this process, under the service's name unless OTEL_SERVICE_NAME is
    set. Does nothing unless an endpoint is configured.
    """
    global _begin, _stop
    endpoint = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    if endpoint is None or _begin is not None:
        return
    try:
        from tasks import telemetry

        _begin, _stop = telemetry.set_up(service)
    except ImportError as error:
        logger.warning(MISSING, endpoint, error)
    except Exception:
        logger.exception("There are no traces")


def stop() -> None:
    """Send what was not sent yet, and make no more."""
    global _begin, _stop
    end, _begin, _stop = _stop, None, None
    if end is not None:
        with suppress(Exception):
            end()


@contextmanager
def span(
    name: str, kind: str, attributes: Mapping[str, Any], *, parent: str | None = None
) -> Iterator[Span]:
    """Measure the block. `kind` is server, client, producer or consumer; `parent` a traceparent,
    else the span that is open in this thread. An error that leaves the block is noted by its type.
    """
    begun = _try_to_begin(name, kind, attributes, parent)
    try:
        yield begun
    except Exception as error:
        begun.failed(type(error).__name__)
        raise
    finally:
        begun.end()


def enqueuing(task: str, *, queue: str, count: int = 1) -> AbstractContextManager[Span]:
    """The call that writes jobs; its `traceparent` is for their rows."""
    attributes = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "send",
        "messaging.destination.name": queue,
        "messaging.batch.message_count": count,
        "job.task": task,
    }
    return span(f"enqueue {task}", "producer", attributes)


@contextmanager
def attempt(job: CurrentJob, *, queue: str, parent: str | None) -> Iterator[None]:
    """An attempt to run a job. How it ended is `job.outcome`, not what it told Celery."""
    attributes = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue or None,
        "messaging.message.id": str(job.id),
        "messaging.message.conversation_id": job.correlation_id or None,
        "job.task": job.task,
        "job.attempt": job.attempt,
        "job.subject": job.subject or None,
    }
    begun = _try_to_begin(job.task, "consumer", attributes, parent)
    try:
        yield
    finally:
        begun.note({"job.outcome": job.outcome or "superseded"})
        if job.outcome in FAILURES:
            begun.failed(job.error_kind or job.outcome)
        begun.end()


def _try_to_begin(name: str, kind: str, attributes: Mapping[str, Any], parent: str | None) -> Span:
    if _begin is None:
        return NOTHING
    try:
        return _begin(name, kind, parent or "", attributes)
    except Exception:
        logger.warning("A span is missing", exc_info=True)
        return NOTHING


@worker_process_init.connect(weak=False)
def _in_a_workers_child(**_: Any) -> None:
    start("worker")


@worker_process_shutdown.connect(weak=False)
def _before_it_ends(**_: Any) -> None:
    """A pool's child ends without Python's own exit handlers."""
    stop()


@beat_init.connect(weak=False)
def _in_beat(**_: Any) -> None:
    start("beat")

"""What a Celery worker does differently for the ledger: it loses no message and no reason.

Celery acknowledges, and so drops, what it can't decode. Here such a message is rejected: RabbitMQ
moves it to `parking`, and the dispatcher makes it a dead job that people can see. A job that a
worker has to let go of in good health (shutdown, lost connection) is given back without a crash.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from celery.signals import worker_process_shutdown
from celery.worker.consumer import Consumer
from celery.worker.request import Request
from django.db import Error, connection

from tasks import jobs, topology
from tasks.locks.reporting import reporter
from tasks.presence import Presence
from tasks.privacy import scrub

logger = logging.getLogger(__name__)


def report_locks(**_: Any) -> None:
    """A pool's child ends without Python's own exit handlers."""
    reporter.finish()


worker_process_shutdown.connect(report_locks, weak=False)


class JobRequest(Request):
    """A job's message in the worker's main process."""

    def send_event(self, type: str, **fields: Any) -> None:  # noqa: A002 (Celery names it so)
        """Flower shows what an event says: errors and tracebacks without personal data."""
        told = {
            name: scrub(value) if isinstance(value, str) else value
            for name, value in fields.items()
        }
        super().send_event(type, **told)

    def cancel(self, pool: Any, signal: Any = None, emit_retry: bool = True) -> None:
        """Kill the process that runs the job, then give the job back for its next delivery."""
        super().cancel(pool, signal, emit_retry)
        try:
            jobs.give_back(UUID(self.id), worker_prefix=f"{self.hostname}:")
        except (Error, ValueError) as error:
            logger.warning("%s waits for its lease to lapse: %s", self.id, error)
        finally:
            # The main process forks children later on: they must not inherit a connection.
            connection.close()


# Delayed delivery: the ledger waits, not 28 exchanges that can route a message twice. Gossip and
# mingle: workers have nothing to tell each other that the ledger doesn't know.
UNUSED_STEPS = ("DelayedDelivery", "Gossip", "Mingle")


class JobConsumer(Consumer):
    """The worker's end of the queues."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc, valid-type]  # a class all the same
        default_steps: ClassVar[list[str]] = [
            step for step in Consumer.Blueprint.default_steps if not step.endswith(UNUSED_STEPS)
        ]

    def start(self) -> None:
        """Called once, after the pool's processes were forked; comes back for the shutdown."""
        Presence(self).begin()
        super().start()

    def connect(self) -> Any:
        """Declare the whole topology with each connection: the broker may have been wiped."""
        connected = super().connect()
        with self.app.connection_for_write() as connection_for_write:
            topology.declare(self.app, connection_for_write)
        return connected

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        handle = super().create_task_handler(*args, **kwargs)

        def handle_or_park(message: Any) -> Any:
            try:
                return handle(message)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                # A malformed message would otherwise end the worker, and the next one.
                return self.on_decode_error(message, error)

        return handle_or_park

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        logger.error("Parking a message that can't be read: %r", exc)
        message.reject_log_error(logger, self.app.connection_for_read().connection_errors)

"""Carries due jobs from the ledger to RabbitMQ. Run one, or several for a spare.

A round: make sure of the connection, mark a batch of due jobs as queued and commit, send them and
wait for the confirms, give back to the ledger what was not confirmed. Now and then: rescue.
When nothing is left to do it sleeps until a wake-up, the next due time or `JOBS_POLL_S`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from time import monotonic

from celery import Celery
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from tasks import jobs, parking, topology, tracing
from tasks.conf import conf
from tasks.errors import BrokerUnavailable
from tasks.jobs import Envelope
from tasks.publisher import Publisher
from tasks.rescue import rescue
from tasks.statements import SQL
from tasks.wakeup import Listener

logger = logging.getLogger(__name__)

# Pauses after a failure of RabbitMQ or PostgreSQL, in seconds: quick for a restart, then patient.
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0


class Dispatcher:
    def __init__(self, app: Celery) -> None:
        self._app = app
        self._publisher = Publisher(app)
        self._listener = Listener()
        self._stopping = False
        self._next_rescue = 0.0
        self._pause_s = FIRST_PAUSE_S

    def stop(self) -> None:
        """End after the current batch. Safe in a signal handler."""
        self._stopping = True
        self._listener.stop()

    def run(self) -> None:
        """Work until `stop`."""
        logger.info("Dispatching to %s", self._app.connection().as_uri())
        while not self._stopping:
            try:
                idle_s = 0.0 if self.round() else self._idle_s()
            except (BrokerUnavailable, InterfaceError, OperationalError) as error:
                self._wait_for_recovery(error)
            else:
                self._pause_s = FIRST_PAUSE_S
                self._listener.wait(idle_s)
        self._publisher.close()

    def round(self) -> bool:
        """Do what is due now; True when there may be more.

        Raises `BrokerUnavailable` with nothing taken from the ledger, or with what was taken
        given back.
        """
        close_old_connections()
        self._publisher.keep_alive()
        batch = jobs.take_due(batch=conf().batch_size)
        self._publish(batch)
        if monotonic() >= self._next_rescue:
            self._rescue()
        return len(batch) == conf().batch_size

    def _rescue(self) -> None:
        self._publish(rescue(self._publisher).lost)
        broker, _ = self._publisher.connect()
        parking.empty(self._app, broker)
        self._next_rescue = monotonic() + conf().rescue_every_s

    def _publish(self, batch: Sequence[Envelope]) -> None:
        if not batch:
            return
        declared = self._app.amqp.queues
        for envelope in batch:
            if envelope.queue not in declared:
                jobs.bury(envelope.id, error=f"No queue {envelope.queue!r} is declared.")
        sendable = [envelope for envelope in batch if envelope.queue in declared]
        about = {"messaging.system": "rabbitmq", "messaging.batch.message_count": len(sendable)}
        with tracing.span("publish", "producer", about):
            receipt = self._publisher.publish(sendable)
        if receipt.unroutable or receipt.refused:
            jobs.unpublish(receipt.unroutable | receipt.refused)
            self._mend({each.queue for each in sendable if each.id in receipt.refused})
            raise BrokerUnavailable(
                f"{len(receipt.unroutable)} jobs had no queue, {len(receipt.refused)} no confirm"
            )

    def _mend(self, queues: set[str]) -> None:
        """Look whether a missing confirm comes from a queue that a crash of RabbitMQ broke."""
        try:
            broken = topology.delete_broken(self._app, queues)
        except topology.broker_errors(self._app.connection()) as error:
            logger.info("The queues can't be looked at now: %s", error)
        else:
            if broken:
                logger.warning("Deleted queues that RabbitMQ could not use: %s", ", ".join(broken))

    def _idle_s(self) -> float:
        """Seconds until the next job is due, `JOBS_POLL_S` at the most."""
        row = SQL.fetch_one("next_due", {})
        until_due = row[0] if row and row[0] is not None else conf().poll_s
        return float(min(max(until_due, 0.0), conf().poll_s))

    def _wait_for_recovery(self, error: Exception) -> None:
        logger.warning("Waiting %.1f s: %s", self._pause_s, str(error).strip())
        connection.close()
        self._publisher.close()  # its next connect declares the queues again
        self._listener.pause(self._pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

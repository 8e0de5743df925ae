"""Puts jobs' messages on RabbitMQ, a batch at a time, and says which ones it has for sure.

Celery waits for a confirm after each message: 400 a second. Here a batch is sent whole and its
confirms are gathered afterwards: 3,400 a second, with the same certainty. Sockets and confirms
have time limits, because under its memory alarm RabbitMQ simply stops reading.
Message format: https://docs.celeryq.dev/en/stable/internals/protocol.html#version-2
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from celery import Celery
from kombu import Connection

from tasks import topology
from tasks.conf import conf
from tasks.errors import BrokerUnavailable
from tasks.jobs import Envelope

ORIGIN = f"dispatcher@{socket.gethostname()}:{os.getpid()}"

Channel = Any
"""An `amqp.Channel`, whose type stubs lack most of what is used here."""

LEDGER_HEADER = "ledger"
"""Marks a message whose job is in the ledger. Without it a worker adopts the message."""


@dataclass
class Receipt:
    """What became of a batch."""

    confirmed: set[UUID] = field(default_factory=set)
    unroutable: set[UUID] = field(default_factory=set)
    refused: set[UUID] = field(default_factory=set)
    """Neither confirmed nor returned in time. Some of them may have arrived all the same."""


class Publisher:
    """One connection and one confirming channel, opened again after each failure."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Connection | None = None
        self._channel: Channel | None = None
        self._next_tag = 1

    def connect(self) -> tuple[Connection, Channel]:
        """Make sure that RabbitMQ is there and the queues are declared.

        Raises `BrokerUnavailable`.
        """
        if self._connection is not None and self._channel is not None and self._channel.is_open:
            return self._connection, self._channel
        self.close()
        options = {**self._app.conf.broker_transport_options, "confirm_publish": False}
        connection = self._app.connection_for_write(
            transport_options=options, connect_timeout=5, heartbeat=0
        )
        try:
            connection.connect()
            topology.declare(self._app, connection)
            channel: Channel = connection.channel()
            channel.confirm_select()
        except Exception as error:
            connection.release()
            raise BrokerUnavailable(str(error) or type(error).__name__) from error
        self._connection, self._channel, self._next_tag = connection, channel, 1
        return connection, channel

    def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.release()

    def keep_alive(self) -> None:
        """Notice a dead connection now rather than with the next job.

        Raises `BrokerUnavailable`.
        """
        connection, _ = self.connect()
        try:
            connection.drain_events(timeout=0.001)
        except TimeoutError:
            pass
        except Exception as error:
            self.close()
            raise BrokerUnavailable(str(error) or type(error).__name__) from error

    def publish(self, batch: Sequence[Envelope]) -> Receipt:
        """Send a batch and wait for its confirms, `JOBS_CONFIRM_TIMEOUT_S` at the most.

        Never raises for the broker's sake: what isn't known to be there is `refused`, and the
        connection is closed so that the next `connect` starts clean.
        """
        receipt = Receipt()
        pending: dict[int, UUID] = {}
        try:
            connection, channel = self.connect()
            self._listen(channel, pending, receipt)
            for envelope in batch:
                pending[self._next_tag] = envelope.id
                self._next_tag += 1
                self._send(channel, envelope)
            deadline = time.monotonic() + conf().confirm_timeout_s
            while pending:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise BrokerUnavailable("no confirm in time")
                connection.drain_events(timeout=left)
        except Exception:
            self.close()
        known = receipt.confirmed | receipt.unroutable
        receipt.refused.update(envelope.id for envelope in batch if envelope.id not in known)
        return receipt

    def ready_messages(self, queue: str) -> int:
        """How many messages wait in a queue, not counting those that workers hold.

        Raises `BrokerUnavailable`, also when the queue is gone.
        """
        connection, _ = self.connect()
        try:
            with connection.channel() as channel:
                declared: Any = channel
                return int(declared.queue_declare(queue, passive=True).message_count)
        except Exception as error:
            self.close()
            raise BrokerUnavailable(str(error) or type(error).__name__) from error

    def _listen(self, channel: Channel, pending: dict[int, UUID], receipt: Receipt) -> None:
        def on_ack(tag: int, multiple: bool) -> None:
            for settled in _settled(pending, tag, multiple):
                job_id = pending.pop(settled)
                if job_id not in receipt.unroutable:
                    receipt.confirmed.add(job_id)

        def on_nack(tag: int, multiple: bool) -> None:
            for settled in _settled(pending, tag, multiple):
                receipt.refused.add(pending.pop(settled))

        def on_return(_error: Exception, _exchange: str, _key: str, message: Any) -> None:
            receipt.unroutable.add(UUID(message.properties["correlation_id"]))

        channel.events["basic_ack"] = {on_ack}
        channel.events["basic_nack"] = {on_nack}
        channel.events["basic_return"] = {on_return}

    def _send(self, channel: Channel, envelope: Envelope) -> None:
        message = channel.prepare_message(
            body_of(envelope),
            priority=envelope.priority,
            content_type="application/json",
            content_encoding="utf-8",
            headers=headers_of(envelope),
            properties={"correlation_id": str(envelope.id), "delivery_mode": 2},
        )
        channel.basic_publish(message, exchange="", routing_key=envelope.queue, mandatory=True)


def body_of(envelope: Envelope) -> str:
    """Arguments and an empty canvas: what follows a job is in the ledger, not in its message."""
    embed = '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}'
    return f"[{envelope.args}, {envelope.kwargs}, {embed}]"


def headers_of(envelope: Envelope) -> dict[str, Any]:
    parent = str(envelope.parent_id) if envelope.parent_id else None
    return {
        "lang": "py",
        "task": envelope.task,
        "id": str(envelope.id),
        "shadow": None,
        "eta": None,  # the dispatcher publishes nothing before its time
        "expires": None,  # on the wire it would become a TTL that drops the message silently
        "group": None,
        "group_index": None,
        "retries": envelope.failures,
        "timelimit": [envelope.options.get("time_limit"), envelope.options.get("soft_time_limit")],
        "root_id": str(envelope.id),
        "parent_id": parent,
        "argsrepr": envelope.args[:256],
        "kwargsrepr": envelope.kwargs[:256],
        "origin": ORIGIN,
        "ignore_result": True,
        LEDGER_HEADER: True,
    }


def _settled(pending: dict[int, UUID], tag: int, multiple: bool) -> list[int]:
    if not multiple:
        return [tag] if tag in pending else []
    return [number for number in pending if number <= tag]

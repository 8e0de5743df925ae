"""RabbitMQ: confirms, dead letters and the queues' own settings, asked over AMQP alone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from amqp.exceptions import NotFound, PreconditionFailed
from celery import Celery
from celery.app import app_or_default
from kombu import Connection

from tasks import topology
from tasks.doctor.problem import Problem

ANSWER_S = 5.0
"""For a confirm on a healthy broker, which takes milliseconds."""

Channel = Any
"""An `amqp.Channel`, whose type stubs lack most of what is used here."""


def confirms() -> Iterator[Problem]:
    """RabbitMQ confirms what is published."""
    with broker() as connection:
        channel: Channel = connection.channel()
        channel.confirm_select()
        queue = channel.queue_declare("", exclusive=True).queue  # gone with this connection
        # Under an alarm RabbitMQ takes a connection's first message and blocks it with the second.
        if not all(_confirmed(connection, channel, exchange="", key=queue) for _ in range(2)):
            yield Problem(
                what=f"RabbitMQ did not confirm a message within {ANSWER_S:.0f} s.",
                do="Look for a memory or disk alarm (rabbitmq-diagnostics alarms) and free some.",
            )


def dead_letters() -> Iterator[Problem]:
    """What no worker can take goes to the parking queue."""
    exchange, queue = topology.DEAD_LETTER_EXCHANGE.name, topology.PARKING_QUEUE.name
    missing = [
        f"{kind} {name!r}"
        for kind, name, declare in (
            ("exchange", exchange, lambda c: c.exchange_declare(exchange, "fanout", passive=True)),
            ("queue", queue, lambda c: c.queue_declare(queue, passive=True)),
        )
        if not _exists(declare)
    ]
    if missing:
        yield Problem(
            what=f"There is no {' and no '.join(missing)}: messages could be dropped.",
            do="Run manage.py declare_queues.",
        )
        return
    with broker() as connection:
        channel: Channel = connection.channel()
        channel.confirm_select()
        # A lifetime of 0: it is routed, and gone before anybody can get it.
        if not _routed(connection, channel, exchange=exchange, expiration="0"):
            yield Problem(
                what=f"The queue {queue!r} is not bound to the exchange {exchange!r}.",
                do="Run manage.py declare_queues.",
            )


def queues() -> Iterator[Problem]:
    """Each queue is there, with the delivery limit and dead-letter exchange that it needs."""
    app: Celery = app_or_default()
    for name, queue in app.amqp.queues.items():
        if not _exists(lambda channel, name=name: channel.queue_declare(name, passive=True)):
            yield Problem(
                what=f"RabbitMQ has no queue {name!r}: its jobs are not published.",
                do="Run manage.py declare_queues.",
            )
            continue
        try:
            with broker() as connection:
                # Declaring what is there changes nothing; RabbitMQ compares the arguments.
                queue(connection.channel()).queue_declare()
        except PreconditionFailed as error:
            yield Problem(
                what=f"The queue {name!r} has other settings: {error.reply_text}.",
                do=f"It holds only doorbells: rabbitmqctl delete_queue {name}, then"
                " manage.py declare_queues.",
            )


@dataclass(frozen=True, kw_only=True)
class MessageCount:
    """What RabbitMQ says of a queue."""

    ready: int = 0
    """Messages that wait, not counting those that workers hold."""
    consumers: int = 0


def message_counts(queues: Iterable[str]) -> dict[str, MessageCount]:
    """By queue, over one connection; nothing for a queue that isn't there.

    Raises the connection's errors.
    """
    with broker() as connection:
        return {name: _message_count(connection.channel(), name) for name in queues}


def _message_count(channel: Channel, queue: str) -> MessageCount:
    try:
        declared = channel.queue_declare(queue, passive=True)
    except NotFound:  # which closes the channel
        return MessageCount()
    channel.close()
    return MessageCount(ready=int(declared.message_count), consumers=int(declared.consumer_count))


@contextmanager
def broker() -> Iterator[Connection]:
    """A connection that never waits for long, not even for its own end.

    Raises the connection's errors.
    """
    app: Celery = app_or_default()
    options = {
        **app.conf.broker_transport_options,
        "confirm_publish": False,  # the checks confirm for themselves
        "read_timeout": ANSWER_S,
        "write_timeout": ANSWER_S,
    }
    connection = app.connection_for_write(
        connect_timeout=ANSWER_S, transport_options=options, heartbeat=0
    )
    try:
        connection.connect()
        yield connection
    finally:
        connection.collect()  # a blocked broker would not answer a goodbye


def _exists(declare: Any) -> bool:
    """Whether a passive declaration succeeds."""
    with broker() as connection:
        try:
            declare(connection.channel())
        except NotFound:
            return False
    return True


def _confirmed(connection: Connection, channel: Channel, *, exchange: str, key: str) -> bool:
    acknowledged = _listen(channel)
    channel.basic_publish(channel.prepare_message(b""), exchange=exchange, routing_key=key)
    _wait(connection, acknowledged)
    return bool(acknowledged)


def _routed(connection: Connection, channel: Channel, *, exchange: str, expiration: str) -> bool:
    returned: list[str] = []
    acknowledged = _listen(channel)
    channel.events["basic_return"] = {lambda *_: returned.append("unroutable")}
    message = channel.prepare_message(b"", properties={"expiration": expiration})
    channel.basic_publish(message, exchange=exchange, routing_key="", mandatory=True)
    _wait(connection, acknowledged)  # what can't be routed is returned before it is confirmed
    return bool(acknowledged) and not returned


def _listen(channel: Channel) -> list[int]:
    """Where the numbers of the messages that RabbitMQ has confirmed will be."""
    acknowledged: list[int] = []

    def on_ack(tag: int, multiple: bool) -> None:
        acknowledged.append(tag)

    channel.events["basic_ack"] = {on_ack}
    return acknowledged


def _wait(connection: Connection, acknowledged: list[int]) -> None:
    deadline = time.monotonic() + ANSWER_S
    while not acknowledged and (left := deadline - time.monotonic()) > 0:
        try:
            connection.drain_events(timeout=left)
        except TimeoutError:
            return

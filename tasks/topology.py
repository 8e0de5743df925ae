"""The queues: where they live in RabbitMQ and what happens to a message nobody can take.

    task queue ──rejected, or delivered too often──▶ exchange `dead-letters` ──▶ queue `parking`

Every queue is a quorum queue, so it survives the loss of a node. `at-least-once` dead-lettering
keeps a message in its queue until `parking` has it; RabbitMQ demands `reject-publish` with it.
https://www.rabbitmq.com/docs/quorum-queues#dead-lettering
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from amqp.exceptions import InternalError, NotFound
from celery import Celery
from kombu import Connection, Exchange, Queue

DEAD_LETTER_EXCHANGE = Exchange("dead-letters", type="fanout", durable=True)
PARKING_QUEUE = Queue(
    "parking",
    exchange=DEAD_LETTER_EXCHANGE,
    durable=True,
    queue_arguments={"x-queue-type": "quorum"},
)

# Deliveries before RabbitMQ parks a message. The ledger's crash count (3) acts long before; this
# only catches messages that kill a worker before their job is claimed.
DELIVERY_LIMIT = 20


def job_queue(name: str) -> Queue:
    """A quorum queue for jobs, reached by its own name through the default exchange.

    Dots in names are refused: Celery's delayed-delivery bindings treat them as topic words.
    """
    if "." in name or not name:
        raise ValueError(f"Queue name {name!r}: use a non-empty name without dots.")
    return Queue(
        name,
        exchange=Exchange(""),
        routing_key=name,
        durable=True,
        queue_arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )


def declare(app: Celery, connection: Connection) -> list[str]:
    """Create whatever is missing of the exchange and the queues; return the queues' names.

    Harmless when all is there. Raises `amqp.PreconditionFailed` if a queue of that name exists
    with other arguments: delete it (it holds only doorbells) and declare again.
    """
    with connection.channel() as channel:
        DEAD_LETTER_EXCHANGE(channel).declare()
        PARKING_QUEUE(channel).declare()
        for queue in app.amqp.queues.values():
            queue(channel).declare()
    return [*app.amqp.queues, PARKING_QUEUE.name]


def broker_errors(connection: Connection) -> tuple[type[BaseException], ...]:
    """What using the connection may raise for the broker's sake."""
    return (*connection.connection_errors, *connection.channel_errors)


def delete_broken(app: Celery, names: Iterable[str]) -> list[str]:
    """Delete those of the queues that RabbitMQ lists but can't use; return their names.

    A node that was killed just after it declared a quorum queue may come back with half of it: it
    takes messages and never confirms them. A queue holds only doorbells, so it can go; the next
    `declare` makes it anew and the rescue publishes what was in it. Raises the connection's errors.
    """
    broken = [name for name in names if not _usable(app, name)]
    for name in broken:
        with app.connection_for_write(connect_timeout=5) as connection:
            _channel(connection).queue_delete(name)
    return broken


def _usable(app: Celery, name: str) -> bool:
    """Whether a message can be had from it, if there is one. It goes back with the connection."""
    try:
        with app.connection_for_write(connect_timeout=5) as connection:
            _channel(connection).basic_get(name)
    except InternalError:
        return False
    except NotFound:
        return True  # to be declared, not to be deleted
    return True


def _channel(connection: Connection) -> Any:
    """A channel, or an error at once: `default_channel` would wait for the broker for ever."""
    return connection.channel()

"""Empty queues for each test, whatever the one before did to the broker."""

from __future__ import annotations

from typing import Any

from amqp.exceptions import AMQPError
from celery.app import app_or_default

from stack.services import Services
from tasks import topology


def empty_queues(services: Services) -> None:
    """All queues declared and empty.

    RabbitMQ 3.10 forgets half of a quorum queue that was declared in the second before a kill: the
    queue stays listed, and whoever uses it gets INTERNAL_ERROR. Only deleting it helps.
    """
    try:
        _purge()
    except (AMQPError, OSError):
        services.rabbitmq.wipe()
        _purge()


def _purge() -> None:
    app = app_or_default()
    with app.connection_for_write(connect_timeout=5) as broker:
        channel: Any = broker.default_channel
        for name in topology.declare(app, broker):
            channel.queue_purge(name)

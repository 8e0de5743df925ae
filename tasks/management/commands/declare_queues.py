"""Creates the queues and the dead-letter exchange in RabbitMQ."""

from __future__ import annotations

from typing import Any

from amqp.exceptions import PreconditionFailed
from celery.app import app_or_default
from django.core.management.base import BaseCommand, CommandError

from tasks import topology


class Command(BaseCommand):
    help = "Declare the job queues, the dead-letter exchange and the parking queue."

    def handle(self, *args: Any, **options: Any) -> None:
        app = app_or_default()
        try:
            with app.connection_for_write(connect_timeout=5) as connection:
                names = topology.declare(app, connection)
        except PreconditionFailed as error:
            raise CommandError(
                f"A queue exists with other arguments ({error}). Queues hold only doorbells: delete"
                " it with rabbitmqctl delete_queue and run this again; the dispatcher refills it."
            ) from error
        except OSError as error:
            raise CommandError(f"RabbitMQ can't be reached: {error}") from error
        self.stdout.write("Declared " + ", ".join(names))

"""Publishes due jobs to RabbitMQ until it is told to stop."""

from __future__ import annotations

import signal
from typing import Any

from celery import current_app
from celery.app import app_or_default
from django.core.management.base import BaseCommand

from tasks import tracing
from tasks.dispatcher import Dispatcher


class Command(BaseCommand):
    help = "Publish due jobs to RabbitMQ and rescue lost ones. Run one, or several for a spare."

    def handle(self, *args: Any, **options: Any) -> None:
        current_app.loader.import_default_modules()  # parked messages are judged by their task
        dispatcher = Dispatcher(app_or_default())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: dispatcher.stop())
        tracing.start("dispatcher")
        dispatcher.run()
        tracing.stop()

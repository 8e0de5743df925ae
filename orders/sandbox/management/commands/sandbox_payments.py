"""Serves the sandbox payment provider over HTTP."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management.base import BaseCommand, CommandError
from gunicorn.app.base import BaseApplication

# Each hanging answer (pm_timeout) holds one, so there are more than a worker's processes ask for.
THREADS = 32


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, bind: str) -> None:
        self._bind = bind
        super().__init__()

    def load_config(self) -> None:
        for name, value in {
            "bind": self._bind,
            "threads": THREADS,
            "graceful_timeout": 5,
            "proc_name": "sandbox-payments",
            "control_socket_disable": True,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIHandler:
        return WSGIHandler()


class Command(BaseCommand):
    help = "Serve the sandbox payment provider (for development and demonstrations)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8001)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX_PAYMENTS_KEY:
            raise CommandError("Set SANDBOX_PAYMENTS_KEY: the key that clients must send.")
        # A service of its own: none of the shop's pages, sessions or middleware.
        settings.ROOT_URLCONF = "orders.sandbox.urls"
        settings.MIDDLEWARE = []
        self.stdout.write(f"Sandbox payments on http://{options['host']}:{options['port']}")
        Server(f"{options['host']}:{options['port']}").run()

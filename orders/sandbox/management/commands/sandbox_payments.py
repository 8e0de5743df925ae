"""Serves the sandbox payment provider."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from orders.sandbox.server import ProviderServer
from orders.sandbox.telling import telling


class Command(BaseCommand):
    help = "Serve the sandbox payment provider over HTTP until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8001, help="0 takes any that is free")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        if not settings.SANDBOX_PAYMENTS_KEY:
            raise CommandError(
                "Set SANDBOX_PAYMENTS_KEY to a secret that the shop and its sandbox provider share."
            )
        try:
            server = ProviderServer(host, port)
        except (OSError, OverflowError) as error:
            raise CommandError(f"Can't serve on {host}:{port}: {error}") from error
        with server, telling():
            for number in (signal.SIGTERM, signal.SIGINT):
                # `stop` waits for the loop below, so it must not run in this thread.
                signal.signal(number, lambda *_: Thread(target=server.stop).start())
            self.stdout.write(f"Sandbox payments ready on {server.url}")
            self.stdout.flush()
            server.serve_forever()
        self.stdout.write("Sandbox payments stopped.")

"""Servers of the benchmark's own, and what they are asked."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from kombu import Connection

from stack.notebook import Notebook
from stack.services import Services, private_services


@contextmanager
def durable_servers(parent: Path) -> Iterator[Services]:
    """PostgreSQL that syncs to the disk `parent` is on, RabbitMQ and Redis, for the block.

    Raises `StackError` when one can't be started.
    """
    parent.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=parent))
    home.chmod(0o755)  # the servers' account must pass; each has a closed folder
    services = private_services(home / "servers", Notebook(home / "notebook.json"), durable=True)
    try:
        services.start()
        yield services
    finally:
        services.stop()
        shutil.rmtree(home, ignore_errors=True)


def settings_of(dsn: str) -> dict[str, str]:
    """PostgreSQL's settings that a benchmark must tell, since they decide what it is worth."""
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(names)]
        ).fetchall()
    return dict(rows)


def wait_until_empty(broker_url: str, queue: str, *, timeout_s: float) -> None:
    """Raises `TimeoutError`. Looks every 10 ms, over one connection."""
    deadline = time.monotonic() + timeout_s
    with Connection(broker_url) as connection, connection.channel() as opened:
        channel: Any = opened  # the stubs know only part of it
        while channel.queue_declare(queue, passive=True).message_count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"Queue {queue} is not empty after {timeout_s:g} s.")
            time.sleep(0.01)

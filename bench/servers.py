"""The database and the queues that the benchmark makes for itself, and removes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from amqp.exceptions import NotFound
from kombu import Connection
from psycopg import sql


@contextmanager
def database(admin_dsn: str, name: str) -> Iterator[None]:
    """An empty database for the block. Raises `psycopg.Error` if the role may not create one."""
    _execute(admin_dsn, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    _execute(admin_dsn, "CREATE DATABASE {}", name)
    try:
        yield
    finally:
        _execute(admin_dsn, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def settings_of(admin_dsn: str) -> dict[str, str]:
    """The server's settings that a benchmark must tell, since they decide what it is worth."""
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
    with psycopg.connect(admin_dsn) as connection:
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(names)]
        ).fetchall()
    return dict(rows)


def waiting(broker_url: str, queue: str) -> int:
    """Messages in the queue that no worker holds yet."""
    with Connection(broker_url) as connection, connection.channel() as channel:
        return int(channel.queue_declare(queue, passive=True).message_count)


def wait_until_empty(broker_url: str, queue: str, *, timeout_s: float) -> None:
    """Raises `TimeoutError`. Looks every 10 ms, over one connection."""
    deadline = time.monotonic() + timeout_s
    with Connection(broker_url) as connection, connection.channel() as channel:
        while channel.queue_declare(queue, passive=True).message_count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"Queue {queue} is not empty after {timeout_s:g} s.")
            time.sleep(0.01)


@contextmanager
def queues(broker_url: str, *names: str) -> Iterator[None]:
    """Deletes the queues, before and after the block."""
    _delete(broker_url, names)
    try:
        yield
    finally:
        _delete(broker_url, names)


def _delete(broker_url: str, names: tuple[str, ...]) -> None:
    for name in names:
        with Connection(broker_url) as connection, suppress(NotFound):
            connection.default_channel.queue_delete(name)


def _execute(dsn: str, statement: str, name: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

"""When the programs are ready: asked of themselves and of the broker, never guessed by time."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import amqp
from amqp.exceptions import AMQPError, NotFound

from stack.errors import StackError
from stack.layout import Layout
from stack.ports import LOOPBACK, answers
from stack.programs import Program
from stack.supervisor import Supervisor
from stack.waiting import wait_until

START_S = 60.0


def wait_for(programs: Sequence[Program], *, layout: Layout, broker_url: str) -> None:
    """Raises `StackError` with the log of the first program that is not ready in time."""
    supervisor = Supervisor(layout)
    for program in programs:
        try:
            wait_until(
                lambda program=program: is_ready(program, supervisor, broker_url),  # type: ignore[misc]
                timeout_s=START_S,
                pause_s=0.1,
            )
        except TimeoutError:
            log = layout.logs / f"{program.name}.log"
            raise StackError(f"{program.name} does not become ready.", log=log) from None


def is_ready(program: Program, supervisor: Supervisor, broker_url: str) -> bool:
    if supervisor.states().get(program.name) != "active":
        return False
    if program.port is not None and not answers(program.port):
        return False
    return all(consumed(queue, broker_url) for queue in program.queues)


def consumed(queue: str, broker_url: str) -> bool:
    """Whether somebody waits for the queue's messages."""
    try:
        broker = connect(broker_url)
    except (OSError, AMQPError):
        return False
    try:
        declared: Any = broker.channel().queue_declare(queue, passive=True)
        return bool(declared.consumer_count)
    except NotFound:
        return False
    finally:
        broker.close()


def connect(url: str) -> amqp.Connection:
    """A connection to the broker of an amqp URL; close it."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    connection = amqp.Connection(
        f"{parts.hostname}:{parts.port or 5672}",
        userid=unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        virtual_host=path[1:] or "/",
        ssl=parts.scheme == "amqps",
        connect_timeout=5,
        read_timeout=10,
        write_timeout=10,
    )
    connection.connect()
    return connection


def shop_is_ready(port: int) -> bool:
    """Whether the shop itself says that orders can be placed."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False

"""What would leave the process, or the transaction, is refused while a dry run is under way.

Effects and mails are answered where they are asked for. This is the net below: a task that talks
to somebody past `tasks.effects` stops here with a sentence, before a byte is sent.

- Python announces connections and programs to audit hooks (PEP 578), whichever library makes them,
  and an exception of the hook prevents the call. A hook stays until the process ends.
- It doesn't announce threads (before 3.12), nor what is sent through a connection that is open
  already. A profile function sees such calls, and only of this thread and in this block. It sees
  all others too, so it also ends a body that computes for too long.
- Django tells of its new connections to a database.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import Any

from django.db.backends.signals import connection_created

from tasks import undoing
from tasks.stage import Stage, on_stage, rehearsing

ANNOUNCED = {
    "socket.connect": "connect to {1}",
    "socket.getaddrinfo": "connect to {0}:{1}",
    "socket.sendto": "send to {1}",
    "subprocess.Popen": "start {0}",
    "os.system": "start {0}",
    "os.exec": "start {0}",
    "os.posix_spawn": "start {0}",
    "os.fork": "start a process",
}
"""Audit events and what they mean. https://docs.python.org/3/library/audit_events.html"""

SENDING = frozenset({"send", "sendall", "sendmsg", "sendto"})

THREADS = frozenset({"start_new_thread", "start_joinable_thread"})


BODY_IN = "tasks.dry_run"
"""The module that calls the job's body."""

DELICATE = ("contextlib", "django.db.backends", "django.db.transaction", "psycopg")
"""Modules that would be left with a block or an answer half done; `undoing` is another."""


@contextmanager
def sealed(stage: Stage) -> Iterator[None]:
    """What happens inside is the dry run's."""
    _install()
    earlier = sys.getprofile()

    def watch(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call":
            _check_call(stage, called)
        elif event == "call" and stage.is_late and not _is_delicate(frame):
            stage.check()

    with rehearsing(stage):
        sys.setprofile(watch)
        try:
            yield
        finally:
            sys.setprofile(earlier)


def _is_delicate(frame: FrameType | None) -> bool:
    """Whether an exception out of the blue would do harm. The next statement raises it anyway."""
    while frame is not None and frame.f_globals.get("__name__") != BODY_IN:
        module = str(frame.f_globals.get("__name__"))
        if module == undoing.__name__ or module.startswith(DELICATE):
            return True
        frame = frame.f_back
    return False


def _check_call(stage: Stage, called: Any) -> None:
    name, owner = getattr(called, "__name__", ""), getattr(called, "__self__", None)
    if name in THREADS and called.__module__ == "_thread":
        stage.stop("It would now start a thread.")
    if name in SENDING and isinstance(owner, socket.socket):
        stage.stop(f"It would now send to {owner.getpeername()}, past the effects.")
    if name == "write" and type(owner).__module__ == "_ssl":
        stage.stop("It would now send through an encrypted connection, past the effects.")


@cache
def _install() -> None:
    """Once a process. Without a dry run the hook costs each event a look into a dictionary."""
    sys.addaudithook(_refuse)
    connection_created.connect(_refuse_connection, dispatch_uid="tasks.sealing")


def _refuse(event: str, args: tuple[Any, ...]) -> None:
    if event in ANNOUNCED and (stage := on_stage()):
        stage.stop(f"It would now {ANNOUNCED[event].format(*args)}, past the effects.")


def _refuse_connection(connection: Any, **_: Any) -> None:
    """Writes of another connection would stay."""
    if stage := on_stage():
        connection.close()
        stage.stop("It would now open another connection to a database.")

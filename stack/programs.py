"""The processes of the shop on one machine: what each is called, how it starts, when it is ready.

They stop in three phases: first whatever takes or makes new work, then the dispatcher and the
workers, which finish what they hold, then what the workers talk to.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial

from stack.layout import Layout
from stack.ports import LOOPBACK


class Phase(IntEnum):
    """When a program stops."""

    FRONT = 1
    WORK = 2
    OUTSIDE = 3


@dataclass(frozen=True, kw_only=True)
class Program:
    name: str
    command: Sequence[str]
    phase: Phase
    port: int | None = None
    """Where it listens, if it does: it is ready when it answers there."""
    queues: Sequence[str] = ()
    """What it consumes: it is ready when each queue has a consumer."""
    graceful_s: float = 10.0
    """How long it may take to stop before it is killed."""


@dataclass(frozen=True)
class Ports:
    web: int
    flower: int
    payments: int
    mail: int
    supplier: int


SOFT_SHUTDOWN_S = 30.0
"""The default of WORKER_SOFT_SHUTDOWN_TIMEOUT_S: how long a stopping worker's jobs may go on."""

GIVE_BACK_S = 15.0
"""For a worker after that: it gives back what is left, and ends."""


def programs(
    layout: Layout, ports: Ports, *, soft_shutdown_s: float = SOFT_SHUTDOWN_S
) -> list[Program]:
    """In the order they start: what the workers talk to, the workers, then the front."""
    manage = [sys.executable, str(layout.root / "manage.py")]
    module = [sys.executable, "-m"]
    worker = partial(_worker, graceful_s=soft_shutdown_s + GIVE_BACK_S)
    return [
        Program(
            name="mail-sink",
            command=[
                *(*module, "stack.mail_sink", "--port", str(ports.mail)),
                *("--maildir", str(layout.mail)),
            ],
            phase=Phase.OUTSIDE,
            port=ports.mail,
        ),
        Program(
            name="supplier",
            command=[
                *(*module, "stack.supplier", "--port", str(ports.supplier)),
                *("--file", str(layout.supplier)),
            ],
            phase=Phase.OUTSIDE,
            port=ports.supplier,
        ),
        Program(
            name="payments",
            command=[*manage, "sandbox_payments", "--port", str(ports.payments)],
            phase=Phase.OUTSIDE,
            port=ports.payments,
        ),
        worker("worker-checkout", ["checkout"], concurrency=2),
        worker("worker-stock", ["stock", "default"], concurrency=2),
        worker("worker-email", ["email"], concurrency=1),
        Program(name="dispatcher", command=[*manage, "dispatch_jobs"], phase=Phase.WORK),
        Program(
            name="web",
            command=[
                *(*module, "gunicorn", "shop.wsgi", "--bind", f"{LOOPBACK}:{ports.web}"),
                *("--workers", "2", "--threads", "8", "--no-control-socket"),
                *("--graceful-timeout", "10"),
            ],
            phase=Phase.FRONT,
            port=ports.web,
            graceful_s=15.0,
        ),
        Program(
            name="beat",
            command=[*module, "celery", "-A", "shop", "beat", "--loglevel", "INFO"],
            phase=Phase.FRONT,
        ),
        Program(
            name="flower",
            command=[
                *(*module, "celery", "-A", "shop", "flower"),
                *(f"--address={LOOPBACK}", f"--port={ports.flower}"),
                f"--conf={layout.root / 'shop' / 'flowerconfig.py'}",
            ],
            phase=Phase.FRONT,
            port=ports.flower,
        ),
    ]


def _worker(name: str, queues: list[str], *, concurrency: int, graceful_s: float) -> Program:
    return Program(
        name=name,
        command=[
            *(sys.executable, "-m", "stack.worker", "--queues", ",".join(queues)),
            *("--concurrency", str(concurrency)),
        ],
        phase=Phase.WORK,
        queues=queues,
        graceful_s=graceful_s,
    )

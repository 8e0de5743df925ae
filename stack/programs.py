"""The processes of the shop on one machine: what each is called, how it starts, when it is ready.

They stop in three phases: first whatever takes or makes new work, then the dispatcher and the
workers, which finish what they hold, then what the workers talk to.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

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


WORKER_GRACE_S = 45.0
"""Above CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT (30 s) with time to give the rest back."""


def programs(layout: Layout, ports: Ports) -> list[Program]:
    """In the order they start: what the workers talk to, the workers, then the front."""
    manage = [sys.executable, str(layout.root / "manage.py")]
    module = [sys.executable, "-m"]
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
        _worker("worker-checkout", ["checkout"], concurrency=2),
        _worker("worker-stock", ["stock", "default"], concurrency=2),
        _worker("worker-email", ["email"], concurrency=1),
        Program(name="dispatcher", command=[*manage, "dispatch_jobs"], phase=Phase.WORK),
        Program(
            name="web",
            command=[
                *(*module, "gunicorn", "shop.wsgi", "--bind", f"{LOOPBACK}:{ports.web}"),
                *("--workers", "2", "--threads", "8", "--no-control-socket"),
                *("--access-logfile", "-", "--graceful-timeout", "10"),
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
            ],
            phase=Phase.FRONT,
            port=ports.flower,
        ),
    ]


def _worker(name: str, queues: list[str], *, concurrency: int) -> Program:
    return Program(
        name=name,
        command=[
            *(sys.executable, "-m", "stack.worker", "--queues", ",".join(queues)),
            *("--concurrency", str(concurrency)),
        ],
        phase=Phase.WORK,
        queues=queues,
        graceful_s=WORKER_GRACE_S,
    )

"""The processes under measurement: started, waited for, looked into, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHILDREN = 2
STOP_S = 30.0


@contextmanager
def running(
    command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """The process for the block; yields its id. It is asked to stop, and killed if it doesn't."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            stdout=output,
            stderr=output,
            env=env,
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def node_name(queue: str) -> str:
    """New for each start: RabbitMQ refuses a name whose queue of the last run is still there."""
    return f"{queue}-{time.time_ns()}@bench"


def worker(app: str, queue: str, node: str, *, children: int = CHILDREN) -> list[str]:
    """The command of a prefork worker."""
    return [
        *("-m", "celery", "-A", app, "worker", "-Q", queue, "-c", str(children)),
        *("-n", node, "--loglevel", "WARNING"),
        *("--without-gossip", "--without-mingle"),
    ]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Of one process, in MB (10^6 bytes). PSS counts pages that are shared with others in part."""

    rss_mb: float
    pss_mb: float


def memory_of(pid: int) -> Memory:
    """Raises `OSError` when the process is gone."""
    kilobytes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        kilobytes[name] = int(value.split()[0])
    return Memory(rss_mb=kilobytes["Rss"] * 1024 / 1e6, pss_mb=kilobytes["Pss"] * 1024 / 1e6)


def children_of(pid: int) -> list[int]:
    """The ids of the process's children."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]

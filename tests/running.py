"""Real processes of the platform, run against the test database and the private servers."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from amqp.exceptions import NotFound
from celery import current_app
from django.db import connection

from stack import worker
from stack.ports import answers
from stack.processes import Tracked, spawn
from stack.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
START_S = 40.0
STOP_S = 15.0
READY = "@localhost ready."


class DidNotStart(AssertionError):
    """The process ended or never became ready; its log is in the message."""


@dataclass
class Running:
    """One process with its log."""

    name: str
    log: Path
    process: Tracked

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.alive()

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def children(self) -> list[int]:
        """The ids of its children: of a worker, the processes of its pool."""
        with suppress(OSError):
            listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
            return [int(pid) for pid in listed.split()]
        return []

    def stop(self, *, timeout_s: float = STOP_S) -> bool:
        """Ask to end; killed when it doesn't. Says whether asking was enough."""
        return self.process.stop(timeout_s=timeout_s)

    def kill(self) -> None:
        """kill -9 of the process and of its children, all at once."""
        self.process.kill_group()
        self.process.wait(STOP_S)

    def kill_child(self) -> int:
        """kill -9 of one process of a worker's pool; returns its id."""
        pid = self.children()[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def freeze(self) -> None:
        """As if its machine had gone to sleep; its children too."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)


@dataclass
class Runner:
    """Starts processes and, at the end of the test, stops them all."""

    logs: Path
    started: list[Running] = field(default_factory=list)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        ready: Callable[[Running], bool] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Running:
        """Start a command in the project's folder and wait until `ready` says yes.

        Raises `DidNotStart`.
        """
        log = self.logs / f"{name}-{len(self.started)}.log"
        process = spawn(command, log=log, env={**self.environment(), **(env or {})}, cwd=ROOT)
        running = Running(name, log, process)
        self.started.append(running)
        if ready is not None:
            self._wait(running, ready)
        return running

    def environment(self) -> dict[str, str]:
        """Ours, with the address of the database that pytest-django made."""
        url = urlsplit(os.environ["DATABASE_URL"])
        database = urlunsplit(url._replace(path="/" + connection.settings_dict["NAME"]))
        settings = {"DATABASE_URL": database, "PYTHONUNBUFFERED": "1"}
        return {**os.environ, **settings}

    def start_worker(
        self,
        queues: Sequence[str] = ("default",),
        concurrency: int = 1,
        *,
        include: Sequence[str] = (),
        prefetch: int = 0,
        env: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Running:
        """A Celery worker. `include` names modules with tasks of a test's own.

        `wait=False` for a broker that is down.
        """
        command = worker.command(
            queues=queues, concurrency=concurrency, include=include, prefetch=prefetch
        )
        before = {name: consumers(name) for name in queues} if wait else {}

        def consuming(running: Running) -> bool:
            """By its log, or by one more consumer if its log is too quiet to say.

            The number alone deceives while the broker still counts those of a killed worker.
            """
            said = f"{READY}\n" in running.output
            return said or all(consumers(name) > before[name] for name in before)

        return self.start(
            "worker",
            command,
            ready=consuming,
            env=worker.environment(env or {}),
        )

    def start_dispatcher(self, *, env: Mapping[str, str] | None = None) -> Running:
        return self.start(
            "dispatcher",
            manage("dispatch_jobs"),
            ready=lambda running: "Dispatching to" in running.output,
            env=env,
        )

    def start_provider(self, port: int, *, env: Mapping[str, str]) -> Running:
        """The sandbox payment provider."""
        return self.start(
            "sandbox-payments",
            manage("sandbox_payments", "--port", str(port)),
            ready=lambda _: answers(port),
            env=env,
        )

    def start_beat(self, *, spare: bool = False, env: Mapping[str, str] | None = None) -> Running:
        """A beat that has the turn; a `spare` one waits for it."""
        sign = "Waiting for the turn of beat" if spare else "This is the beat now"
        return self.start(
            "beat",
            [sys.executable, "-m", "celery", "-A", "shop", "beat", "--loglevel", "INFO"],
            ready=lambda running: sign in running.output,
            env=env,
        )

    def stop_all(self) -> None:
        for running in self.started:
            with suppress(ProcessLookupError):
                running.thaw()
            running.process.send(signal.SIGTERM)
        for running in self.started:
            running.stop()

    def print_logs(self) -> None:
        """For pytest to show when the test failed."""
        for running in self.started:
            print(f"----- {running.name} (pid {running.pid}) -----")  # noqa: T201
            print("\n".join(running.output.splitlines()[-80:]))  # noqa: T201

    def _wait(self, running: Running, ready: Callable[[Running], bool]) -> None:
        with suppress(TimeoutError):
            wait_until(lambda: not running.alive or ready(running), timeout_s=START_S)
            if running.alive:
                return
        raise DidNotStart(f"{running.name} did not start:\n{running.output[-5000:]}")


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def consumers(queue: str) -> int:
    """How many consumers the queue has; 0 when there is no such queue."""
    with current_app.connection_for_write(connect_timeout=5) as broker, suppress(NotFound):
        channel: Any = broker.default_channel
        declared = channel.queue_declare(queue, passive=True)
        return int(declared.consumer_count)
    return 0


def waiting(queue: str) -> int:
    """How many messages wait in the queue; 0 when there is no such queue."""
    with current_app.connection_for_write(connect_timeout=5) as broker, suppress(NotFound):
        channel: Any = broker.default_channel
        declared = channel.queue_declare(queue, passive=True)
        return int(declared.message_count)
    return 0

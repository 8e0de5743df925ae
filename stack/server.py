"""What the three servers have in common: a folder, a port, a password, a process.

    made ──start()──▶ running ──stop() or kill()──▶ stopped ──start()──▶ running …

A `Server` may describe a process that an earlier command started: what runs is read from the pid
file, so `./run down` stops what `./run up` started, and a test may stop and start what it likes.
"""

from __future__ import annotations

import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from stack.accounts import Account
from stack.errors import StackError
from stack.ports import LOOPBACK
from stack.processes import Tracked, spawn
from stack.waiting import wait_until

KEPT_VARIABLES = ("PATH", "LANG", "TZ", "TMPDIR")


class Server(ABC):
    name: str
    start_timeout_s: float
    stop_timeout_s: float
    stop_signal = signal.SIGTERM
    kill_signal = signal.SIGKILL

    def __init__(self, directory: Path, *, port: int, password: str, account: Account) -> None:
        self.directory = directory
        self.port = port
        self.password = password
        self.account = account
        self.host = LOOPBACK

    def __repr__(self) -> str:
        return f"<{self.name} on {self.host}:{self.port}>"

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect, with the password."""

    @abstractmethod
    def prepare(self) -> None:
        """Make what the server needs before its process starts. Harmless when it is there."""

    @abstractmethod
    def command(self) -> list[str | Path]: ...

    @abstractmethod
    def ready(self) -> bool:
        """Whether a client with the password gets an answer."""

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @property
    def pid_file(self) -> Path:
        return self.directory / "server.pid"

    def environment(self) -> Mapping[str, str]:
        """Nothing of ours leaks into a server but what it needs to run."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        return {"HOME": str(self.directory), **kept}

    @property
    def process(self) -> Tracked | None:
        """The running process, or None."""
        found = Tracked.read(self.pid_file)
        return found if found and found.alive() else None

    @property
    def running(self) -> bool:
        return self.process is not None

    def start(self) -> None:
        """Start unless it runs, and wait until it answers. Raises `StackError`."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start unless it runs, without waiting."""
        if self.running:
            return
        self.account.make_directory(self.directory)
        self.prepare()
        process = spawn(
            self.command(),
            log=self.log,
            env=self.environment(),
            account=self.account,
            cwd=self.directory,
        )
        process.write(self.pid_file)

    def wait_until_ready(self) -> None:
        try:
            wait_until(
                lambda: not self.running or self.ready(),
                timeout_s=self.start_timeout_s,
                pause_s=0.1,
            )
        except TimeoutError:
            raise StackError(
                f"{self.name} does not answer after {self.start_timeout_s:g} s.", log=self.log
            ) from None
        if not self.running:
            raise StackError(f"{self.name} ended at its start.", log=self.log)

    def stop(self) -> None:
        """An orderly end; waits for it. Harmless when it does not run."""
        if process := self.process:
            process.stop(self.stop_signal, timeout_s=self.stop_timeout_s)
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """As by a power cut; waits until it is gone."""
        if process := self.process:
            process.send(self.kill_signal)
            process.wait(self.stop_timeout_s)
        self.pid_file.unlink(missing_ok=True)

    def restart(self) -> None:
        self.stop()
        self.start()

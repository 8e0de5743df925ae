"""Processes that outlive the command that started them, known by a pid file.

A pid alone may by now belong to a stranger, so the file also holds when the process started; a pid
with another start time is not ours and is never signalled.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stack.accounts import Account
from stack.waiting import wait_until

KILL_S = 10.0


@dataclass(frozen=True)
class Tracked:
    """A process of ours: its id, and its start in clock ticks since boot."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Tracked | None:
        """The living process of that id, or None."""
        started = _start_of(pid)
        return None if started is None else cls(pid, started)

    @classmethod
    def read(cls, pid_file: Path) -> Tracked | None:
        """What the file says, or None when there is no (readable) file."""
        try:
            pid, started = pid_file.read_text().split()
            return cls(int(pid), int(started))
        except (OSError, ValueError):
            return None

    def write(self, pid_file: Path) -> None:
        pid_file.write_text(f"{self.pid} {self.started}\n")

    def alive(self) -> bool:
        _reap(self.pid)
        return _start_of(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Harmless when the process is gone."""
        if self.alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill_group(self) -> None:
        """SIGKILL to the process and to what it started in its own process group."""
        if self.alive():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended in time."""
        try:
            wait_until(lambda: not self.alive(), timeout_s=timeout_s)
        except TimeoutError:
            return False
        return True

    def stop(self, number: signal.Signals = signal.SIGTERM, *, timeout_s: float) -> bool:
        """Ask, wait, and kill what does not listen. Says whether asking was enough."""
        self.send(number)
        if self.wait(timeout_s):
            return True
        self.kill_group()
        self.wait(KILL_S)
        return False


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    cwd: Path | None = None,
) -> Tracked:
    """Start a process in a session of its own, so that a Ctrl-C at our terminal is not its end.

    Raises `FileNotFoundError` or `PermissionError` when the program can't be run.
    """
    options = account.popen_options if account else {}
    with log.open("ab") as output:
        if account:
            account.own(log)
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
            **options,
        )
    process.returncode = 0  # we reap it ourselves; no warning about a child still running
    return Tracked.of(process.pid) or Tracked(process.pid, -1)


def _start_of(pid: int) -> int | None:
    """The start time of a process that runs (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces
    return None if fields[0] in "ZX" else int(fields[19])


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)

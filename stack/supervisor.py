"""circus, which starts the programs, restarts what dies and stops everything in order.

honcho and its like pass a signal to the whole process group and so break off running jobs; circus
asks each process, waits for its `graceful_timeout`, and only then kills.
https://circus.readthedocs.io/en/latest/configuration/

Its control sockets are files in a closed folder, not TCP ports: whoever may talk to circus may run
commands as us. Their paths are relative, since a socket's path may have 107 bytes only.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir, suppress
from pathlib import Path
from typing import Any

from circus.client import CircusClient
from circus.exc import CallError

from stack.errors import StackError
from stack.layout import Layout
from stack.processes import Tracked, spawn
from stack.programs import Phase, Program
from stack.waiting import wait_until

MARK = "SHOP_STACK_VAR"
"""In the environment of every program, so that those of a killed circus can be found."""

LOG_BYTES = 10 * 1024 * 1024
START_S = 20.0
ANSWER_S = 5.0

HEAD = """\
[circus]
endpoint = ipc://circus/endpoint
pubsub_endpoint = ipc://circus/pubsub
check_delay = 1
loglevel = INFO
"""

WATCHER = """
[watcher:{name}]
cmd = {command}
working_dir = {root}
copy_env = True
graceful_timeout = {graceful_s:g}
priority = {priority}
stdout_stream.class = FileStream
stdout_stream.filename = {log}
stdout_stream.max_bytes = {log_bytes}
stdout_stream.backup_count = 2
"""


class Supervisor:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._sockets = layout.var / "circus"
        self._config = layout.var / "circus.ini"
        self._pid_file = layout.var / "circus.pid"
        self.log = layout.logs / "circus.log"

    @property
    def process(self) -> Tracked | None:
        found = Tracked.read(self._pid_file)
        return found if found and found.alive() else None

    def start(self, programs: Sequence[Program], environment: Mapping[str, str]) -> None:
        """Start circus with the programs. Raises `StackError` when it does not answer."""
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        for left in self._sockets.iterdir():
            left.unlink()
        self._config.write_text(configuration(programs, self._layout))
        process = spawn(
            [sys.executable, "-m", "circus.circusd", str(self._config)],
            log=self.log,
            env={**environment, MARK: str(self._layout.var), "PYTHONUNBUFFERED": "1"},
            cwd=self._layout.var,
        )
        process.write(self._pid_file)
        try:
            wait_until(self._answers_or_ended, timeout_s=START_S)
        except TimeoutError:
            raise StackError("circus does not answer.", log=self.log) from None
        if not process.alive():
            raise StackError("circus ended at its start.", log=self.log)

    def states(self) -> dict[str, str]:
        """`active` or `stopped` (or on the way) by program; empty when circus does not run."""
        if self.process is None:
            return {}
        statuses: dict[str, str] = self._call("status")["statuses"]
        return statuses

    def pids(self, name: str) -> list[int]:
        found: list[int] = self._call("list", name=name).get("pids", [])
        return found

    def stop(self, programs: Sequence[Program]) -> None:
        """Phase by phase, then circus itself, then whatever a killed circus left behind."""
        process = self.process
        if process is not None:
            with suppress(CallError, StackError):
                for phase in Phase:
                    self._stop_phase([one for one in programs if one.phase == phase])
            process.stop(timeout_s=max(one.graceful_s for one in programs) + ANSWER_S)
        self._stop_orphans(max(one.graceful_s for one in programs))
        self._pid_file.unlink(missing_ok=True)

    def _stop_phase(self, programs: Sequence[Program]) -> None:
        names = {one.name for one in programs} & set(self.states())
        if not names:
            return
        self._call("stop", name=f"({'|'.join(map(re.escape, names))})$", match="regex")
        patience_s = max(one.graceful_s for one in programs) + ANSWER_S
        with suppress(TimeoutError):  # circus kills them when it is stopped itself
            wait_until(
                lambda: {self.states().get(name) for name in names} <= {"stopped"},
                timeout_s=patience_s,
                pause_s=0.1,
            )

    def _stop_orphans(self, patience_s: float) -> None:
        for number in orphans(self._layout.var):
            if found := Tracked.of(number):
                found.stop(timeout_s=patience_s)

    def _answers_or_ended(self) -> bool:
        if self.process is None:
            return True
        with suppress(CallError, StackError):
            return bool(self.states())
        return False

    def _call(self, command: str, **properties: Any) -> dict[str, Any]:
        with chdir(self._layout.var):
            client = CircusClient(endpoint="ipc://circus/endpoint", timeout=ANSWER_S)
            try:
                answer: dict[str, Any] = client.call({"command": command, "properties": properties})
            finally:
                client.stop()
        if answer.get("status") == "error":
            raise StackError(f"circus: {answer.get('reason')}", log=self.log)
        return answer


def configuration(programs: Sequence[Program], layout: Layout) -> str:
    """circus.ini. It holds no secrets: those are in the environment that circus passes on."""
    count = len(programs)
    watchers = [
        WATCHER.format(
            name=program.name,
            command=_shell(program),
            root=layout.root,
            graceful_s=program.graceful_s,
            priority=count - place,  # the highest starts first
            log=layout.logs / f"{program.name}.log",
            log_bytes=LOG_BYTES,
        )
        for place, program in enumerate(programs)
    ]
    return HEAD + "".join(watchers)


def _shell(program: Program) -> str:
    """The shell joins the two outputs into one log and is gone: circus watches the program."""
    return shlex.join(["/bin/sh", "-c", f"exec {shlex.join(program.command)} 2>&1"])


def orphans(var: Path) -> list[int]:
    """Processes that carry our mark, without the children of such: a worker stops its own."""
    mark = f"{MARK}={var}".encode()
    parents: dict[int, int] = {}
    for directory in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if mark in (directory / "environ").read_bytes().split(b"\0"):
                stat = (directory / "stat").read_text()
                parents[int(directory.name)] = int(stat.rpartition(")")[2].split()[1])
    return [pid for pid, parent in parents.items() if parent not in parents and pid != os.getpid()]

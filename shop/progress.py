"""Tells how far a long command is: a bar on a terminal, a line now and then everywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

LINE_EVERY_S = 5.0

PAGE_CHARS = 110
"""Width of tables in logs and files, which have none of their own."""


def console_on(stdout: IO[str] | None) -> Console:
    """A console on a command's `stdout` option, or on the process's."""
    console = Console(file=stdout or sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = PAGE_CHARS
    return console


class Reporter(Protocol):
    """What a long-running function is given to tell how far it is."""

    def update(self, done: int, *, note: str = "") -> None: ...


class Silent:
    """For callers who don't want to know."""

    def update(self, done: int, *, note: str = "") -> None:
        pass


class Lines:
    """One plain line at the start, every few seconds and at the end: readable in any log."""

    def __init__(self, console: Console, title: str, total: int) -> None:
        self._console, self._title, self._total = console, title, total
        self._next_at = 0.0
        self._newest = self._printed = ""

    def update(self, done: int, *, note: str = "") -> None:
        self._newest = f"{self._title}: {done:,} of {self._total:,}" + (f", {note}" if note else "")
        if time.monotonic() >= self._next_at:
            self.flush()

    def flush(self) -> None:
        if self._newest != self._printed:
            self._console.print(self._newest, highlight=False, soft_wrap=True)
            self._printed = self._newest
        self._next_at = time.monotonic() + LINE_EVERY_S


class Bar:
    """A bar that moves."""

    def __init__(self, progress: Progress, title: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total, note="")

    def update(self, done: int, *, note: str = "") -> None:
        self._progress.update(self._task, completed=done, note=note)


@contextmanager
def reporting(console: Console, title: str, *, total: int) -> Iterator[Reporter]:
    """A reporter for the block: a bar if `console` is a terminal, else lines."""
    if not console.is_terminal:
        lines = Lines(console, title, total)
        try:
            yield lines
        finally:
            lines.flush()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(*columns, console=console) as progress:
        yield Bar(progress, title, total)

"""The stage of a dry run: what would reach the outside is noted here instead.

Whoever talks to the outside asks `on_stage()` first: `tasks.effects` for charges, refunds and
mails, `tasks.locks` for locks. What talks past them is stopped: while a dry run is on, no
connection can be opened (https://docs.python.org/3/library/sys.html#sys.addaudithook).
PostgreSQL's driver opens its own in C, and is not concerned.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tasks.errors import Unrehearsable


@dataclass(frozen=True, kw_only=True)
class RehearsedEffect:
    """An effect that the job would come to."""

    key: str
    kind: str
    params: Mapping[str, Any]
    is_done: bool = False
    """It was done before: the saved answer counts, and nobody is asked."""
    is_doubtful: bool = False
    """An earlier try has no outcome on record: the provider would be asked about it first."""
    answer: Mapping[str, Any]
    """The saved one, or what was assumed."""


@dataclass(frozen=True, kw_only=True)
class RehearsedMail:
    """A mail that the job would hand over."""

    to: tuple[str, ...]
    subject: str
    text: str


@dataclass
class Stage:
    """What came up so far."""

    effects: list[RehearsedEffect] = field(default_factory=list)
    mails: list[RehearsedMail] = field(default_factory=list)
    locks: list[tuple[str, ...]] = field(default_factory=list)


_stage: ContextVar[Stage | None] = ContextVar("stage", default=None)


def on_stage() -> Stage | None:
    """The stage of the dry run that this thread is in, or None in real life."""
    return _stage.get()


@contextmanager
def rehearsing() -> Iterator[Stage]:
    """Until the block ends this thread only pretends."""
    _watch_the_doors()
    stage = Stage()
    token = _stage.set(stage)
    try:
        yield stage
    finally:
        _stage.reset(token)


@cache
def _watch_the_doors() -> None:
    """Once a process, and only in one that has dry runs: the hook can't be taken away again."""
    sys.addaudithook(_doorkeeper)


def _doorkeeper(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "subprocess.Popen") and on_stage() is not None:
        raise Unrehearsable(f"It would talk to the outside past the effects: {event}.")

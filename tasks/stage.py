"""The stage of a dry run: what would reach the outside is noted here instead.

Whoever talks to the outside asks `on_stage()` first: `tasks.effects` for charges, refunds and
mails, `tasks.locks` for locks. What talks past them is stopped by `tasks.sealing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Any, NoReturn

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


@dataclass(eq=False)
class Stage:
    """What came up so far, and whether it goes on."""

    effects: list[RehearsedEffect] = field(default_factory=list)
    mails: list[RehearsedMail] = field(default_factory=list)
    locks: list[tuple[str, ...]] = field(default_factory=list)
    limit_s: float = inf
    began: float = field(default_factory=monotonic)
    stopped: str = ""
    """Why it can't go on."""

    @property
    def is_late(self) -> bool:
        return monotonic() > self.began + self.limit_s

    def stop(self, why: str) -> NoReturn:
        """End the dry run with a sentence. Raises `Unrehearsable`."""
        self.stopped = self.stopped or why
        raise Unrehearsable(self.stopped)

    def check(self) -> None:
        """Once stopped it stays so, whatever the task catches. Raises `Unrehearsable`."""
        if self.stopped:
            raise Unrehearsable(self.stopped)
        if self.is_late:
            self.stop(f"It takes longer than {self.limit_s:g} s, too long for a dry run.")


_stage: ContextVar[Stage | None] = ContextVar("stage", default=None)


def on_stage() -> Stage | None:
    """The stage of the dry run that this thread is in, or None in real life."""
    return _stage.get()


@contextmanager
def rehearsing(stage: Stage) -> Iterator[None]:
    """Until the block ends this thread only pretends."""
    token = _stage.set(stage)
    try:
        yield
    finally:
        _stage.reset(token)

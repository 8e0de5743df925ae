"""Who is asking: the job that runs in this thread, or the person behind this request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import time
from typing import Any
from uuid import UUID

from tasks.errors import Superseded
from tasks.outcomes import Cancel

NOTED_WAIT_S = 0.05
"""Shorter waits for a lock explain nothing."""

NOTED_WAITS = 20
"""Of one attempt, the first; with them it is clear what it waits for."""


@dataclass(eq=False)
class CurrentJob:
    """The job this thread runs. Its keeper (`tasks.lease`) fills in the flags.

    `progress` costs nothing worth counting: the keeper writes the newest figures about once a
    second, on its own connection, so they show while the task's transaction is open.
    """

    id: UUID
    attempt: int
    task: str
    correlation_id: str
    worker: str
    subject: str = ""
    done: int | None = None
    total: int | None = None
    note: str = ""
    progress_changed: bool = False
    cancel_requested: bool = False
    superseded: bool = False
    taken_at: float = field(default=0.0)
    """`time.monotonic()` of the claim or the newest renewal."""
    outcome: str = ""
    """How this attempt ended in the ledger: one of `tasks.models.Attempt.Outcome`, or not yet."""
    error_kind: str = ""
    """The type of the error that ended it."""
    lock_waits: list[dict[str, Any]] = field(default_factory=list)
    """As `tasks.models.Attempt.lock_waits` keeps them."""

    def waited(self, keys: list[str], *, wait_s: float, got: bool) -> None:
        """Remember a wait for locks that was long enough to explain something."""
        if wait_s >= NOTED_WAIT_S and len(self.lock_waits) < NOTED_WAITS:
            began = time() - wait_s
            self.lock_waits.append(
                {"keys": keys, "began": round(began, 3), "s": round(wait_s, 3), "got": got}
            )

    def progress(
        self, *, done: int | None = None, total: int | None = None, note: str = ""
    ) -> None:
        """Say how far the job is. Raises what `check` raises."""
        self.check()
        self.done, self.total, self.note = done, total, note[:200]
        self.progress_changed = True

    def check(self) -> None:
        """Stop here if the job is no longer wanted or no longer ours.

        Raises `Cancel` when somebody asked for it, `Superseded` when another attempt took over.
        """
        if self.superseded:
            raise Superseded(f"Attempt {self.attempt} of {self.id} was superseded.")
        if self.cancel_requested:
            raise Cancel("cancelled while it ran")


@dataclass(frozen=True)
class Caller:
    """Whoever enqueues outside of a job: `name` like `user:3`, and the request's id."""

    name: str = ""
    correlation_id: str = ""


NOBODY = Caller()

_job: ContextVar[CurrentJob | None] = ContextVar("current_job", default=None)
_caller: ContextVar[Caller] = ContextVar("caller")


def current_job() -> CurrentJob | None:
    """The job that runs in this thread, or None outside of a worker."""
    return _job.get()


def current_caller() -> Caller:
    return _caller.get(NOBODY)


@contextmanager
def running(job: CurrentJob) -> Iterator[CurrentJob]:
    token = _job.set(job)
    try:
        yield job
    finally:
        _job.reset(token)


@contextmanager
def calling(*, name: str = "", correlation_id: str = "") -> Iterator[None]:
    """Jobs enqueued inside carry this name and correlation id."""
    token = _caller.set(Caller(name, correlation_id))
    try:
        yield
    finally:
        _caller.reset(token)

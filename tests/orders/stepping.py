"""Runs of jobs that stop at every seam until they are told to go on or to die.

A run stops only where it holds no row and no lock, so that nothing else the test does can wait for
it: before a transaction, before a statement outside of one, and around each call outside.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.transaction import Atomic

from inventory import reservations
from tests.orders.makers import run_as_job
from tests.orders.provider import ScriptedProvider
from tests.orders.seams import CALLS, Killed

TIMEOUT_S = 30.0  # a run that neither stops nor ends in this time hangs

_mine = threading.local()


class Run:
    """One attempt of a job in a thread of its own. It starts stopped."""

    def __init__(self, body: Callable[[], None], *, job_id: UUID, attempt: int) -> None:
        self.job_id = job_id
        self.ended = False
        self.error: BaseException | None = None
        self._body, self._attempt = body, attempt
        self._stopped: queue.Queue[bool] = queue.Queue()
        self._orders: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def step(self) -> None:
        """To the next seam or to the end."""
        self._tell("go")

    def finish(self) -> None:
        while not self.ended:
            self.step()

    def kill(self) -> None:
        if not self.ended:
            self._tell("die")

    def _tell(self, order: str) -> None:
        self._orders.put(order)
        self.ended = self._stopped.get(timeout=TIMEOUT_S)
        if self.ended:
            self._thread.join(TIMEOUT_S)

    def _live(self) -> None:
        try:
            self._obey()
            _mine.run = self
            with connection.execute_wrapper(_statement):
                run_as_job(self._body, job_id=self.job_id, attempt=self._attempt)
        except BaseException as error:
            self.error = error
        finally:
            _mine.run = None
            connection.close()
            self._stopped.put(True)

    def stop_here(self) -> None:
        self._stopped.put(False)
        self._obey()

    def _obey(self) -> None:
        if self._orders.get(timeout=10 * TIMEOUT_S) == "die":
            raise Killed


def make_steppable(patch: pytest.MonkeyPatch, provider: ScriptedProvider) -> None:
    """Let every `Run` stop at transactions, reservations and calls to the provider."""
    begin, reserve = Atomic.__enter__, reservations.reserve

    def atomic(self: Atomic) -> None:
        _seam()
        begin(self)

    def quiet_reserve(**arguments: Any) -> None:
        _seam()
        _mine.busy = True  # it holds a lock: nobody may wait for us in there
        try:
            reserve(**arguments)
        finally:
            _mine.busy = False

    patch.setattr(Atomic, "__enter__", atomic)
    patch.setattr(reservations, "reserve", quiet_reserve)
    for name in CALLS:
        patch.setattr(provider, name, _around(getattr(provider, name)))


def _seam() -> None:
    run = getattr(_mine, "run", None)
    if run and not getattr(_mine, "busy", False) and not connection.in_atomic_block:
        run.stop_here()


def _statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    _seam()
    return execute(sql, params, many, context)


def _around(call: Callable[..., Any]) -> Callable[..., Any]:
    def around(**arguments: Any) -> Any:
        _seam()
        answer = call(**arguments)
        _seam()
        return answer

    return around

"""The places at which a run can be cut: before each SQL statement and around each call outside.

A cut inside a transaction rolls it back, as a killed process does. A cut before the first statement
after a COMMIT is a process killed right after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from tests.orders.provider import ScriptedProvider

CALLS = ("charge", "refund", "find_charge", "find_refund")


class Killed(BaseException):
    """The process is gone. Not an `Exception`, so that nobody catches it."""


Visit = Callable[[str], None]


@contextmanager
def visiting(visit: Visit, provider: ScriptedProvider) -> Iterator[None]:
    """Call `visit(name)` at each seam that the code inside comes to, in this thread."""

    def statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        visit("sql")
        return execute(sql, params, many, context)

    with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(statement):
        for name in CALLS:
            patch.setattr(provider, name, _around(getattr(provider, name), name, visit))
        yield


def _around(call: Callable[..., Any], name: str, visit: Visit) -> Callable[..., Any]:
    def around(**arguments: Any) -> Any:
        visit(f"before {name}")
        answer = call(**arguments)
        visit(f"after {name}")
        return answer

    return around


class KillAt:
    """A visit that kills the run at its `number`-th seam (from 1) and counts those before."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.seen = 0
        self.name = ""

    def __call__(self, name: str) -> None:
        self.seen += 1
        if self.seen == self.number:
            self.name = name
            raise Killed(f"at seam {self.number}: {name}")

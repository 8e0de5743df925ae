"""Waiting for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

PAUSE_S = 0.05


def wait_until(
    condition: Callable[[], Answer],
    *,
    timeout_s: float,
    what: str = "the condition",
    pause_s: float = PAUSE_S,
) -> Answer:
    """The condition's first true answer. Raises `TimeoutError` naming `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {timeout_s:g} s in vain for {what}.")
        time.sleep(pause_s)

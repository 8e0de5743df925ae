"""Waiting for something to become true, instead of sleeping and hoping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def until(condition: Callable[[], Answer], *, within_s: float = 10) -> Answer:
    """The first true answer of `condition`; fails the test after `within_s` seconds."""
    end = time.monotonic() + within_s
    while not (answer := condition()):
        assert time.monotonic() < end, f"not within {within_s} s: {condition}"
        time.sleep(0.002)
    return answer

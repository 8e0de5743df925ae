"""How patient locks are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, kw_only=True)
class Timing:
    """In seconds. `tasks.locks.conf` says what the first three are for."""

    socket_timeout_s: float = 2.0
    waiter_lease_s: float = 3.0
    grant_s: float = 1.0
    leave_within_s: float = 0.1
    """How long after the end of its wait a waiter may take to leave the line."""

    @cached_property
    def lease_ms(self) -> bytes:
        return b"%d" % (self.waiter_lease_s * 1000)

    @cached_property
    def grant_ms(self) -> bytes:
        return b"%d" % (self.grant_s * 1000)

"""One acquisition: asking, waiting in line, being woken, giving up.

    ask ──free──▶ held ──release──▶ handed to the next in line by the same script
     │
     └─taken──▶ queued: listen until woken ("it is yours", or "try") or until it is time to ask
                again (a second has passed, or the holder's ttl is over) ──▶ ask …

A waiter asks again about once a second. That is its sign of life, it puts the waiter back in its
place after Redis has lost its memory, and it finds locks whose holder died.

A waiter with a request may be served by the holder instead (`combining.py`): then it is woken by
the answer, and out of line.
"""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from time import monotonic
from typing import Final

from tasks.locks import scripts
from tasks.locks.errors import LockError, LockTimeout
from tasks.locks.timing import Timing
from tasks.locks.wire import Wire


class Kind(Enum):
    """How a lock is held; the values are acquire.lua's."""

    EXCLUSIVE = b"0"
    EXACT = b"1"
    """Exclusive, and the lock's key holds the owner as it is, without the token."""
    SHARED = b"2"


class Acquisition:
    """By one owner, of one lock or several at once. `acquire` is called once.

    `answer` is what a holder answered to the `request`, if one did.
    """

    __slots__ = (
        "_asked_at",
        "_deadline",
        "_keys",
        "_kind",
        "_names",
        "_owner",
        "_queues",
        "_request",
        "_ticket",
        "_timing",
        "_ttl_s",
        "_wire",
        "answer",
        "began_at",
    )

    def __init__(
        self,
        wire: Wire,
        timing: Timing,
        *,
        names: tuple[str, ...],
        owner: bytes,
        kind: Kind,
        ttl_s: float,
        wait_s: float | None,
        request: bytes | None = None,
    ) -> None:
        self._wire: Final = wire
        self._timing: Final = timing
        self._names: Final = names
        self._keys: Final = scripts.families(names)
        self._owner: Final = owner
        self._kind: Final = kind
        self._ttl_s: Final = ttl_s
        self.began_at: Final = monotonic()
        self._asked_at = self.began_at
        self._deadline: Final = float("inf") if wait_s is None else self.began_at + wait_s
        self._queues: Final = wait_s != 0
        self._request: Final = request
        self._ticket = 0
        self.answer: bytes | None = None

    def acquire(self) -> tuple[int, float]:
        """The token, and `monotonic()` of when the lock's time began; or, when there is an
        `answer`, token 0.

        Raises `LockTimeout`, `LockUnavailable`.
        """
        try:
            while (got := self._try()) is None:
                pass
        except BaseException as error:
            # Without an answer, or interrupted, it may be ours or queued without our knowing.
            if self._queues or not isinstance(error, LockTimeout):
                self._leave()
            if isinstance(error, LockTimeout) and self._answered():
                return 0, self._asked_at  # served at the last moment
            raise
        return got

    @property
    def queued(self) -> bool:
        """Whether it had to take a place in line."""
        return bool(self._ticket)

    def value(self, token: int) -> bytes:
        """As what the lock's key says that it is ours."""
        return self._owner if self._kind is Kind.EXACT else b"%b|%d" % (self._owner, token)

    def _try(self) -> tuple[int, float] | None:
        """Ask; if it is taken, listen for a while. Raises `LockTimeout` at the end of the wait."""
        self._asked_at = monotonic()
        answer = self._wire.call(self._question(), timeout_s=self._patience())
        if self._answered():
            self._leave()  # served before this question arrived, which put it back in line
            return 0, self._asked_at
        if isinstance(answer, bytes):
            return int(answer), self._asked_at
        if answer == 0:
            raise LockTimeout(f"{', '.join(self._names)}: taken.")
        self._ticket, ask_again_ms, redis_us = answer
        token = self._listen(ask_again_ms)
        if isinstance(token, bytes):
            self.answer = token
            return 0, self._asked_at
        if token:
            age_s = (redis_us - token) / 1e6 + monotonic() - self._asked_at
            taken_at = self._confirm(token, age_s)
            return (token, taken_at) if taken_at else None
        if monotonic() >= self._deadline:
            raise LockTimeout(f"{', '.join(self._names)}: taken for all of the wait.")
        return None

    def _question(self) -> bytes:
        args = (
            self._owner,
            b"%d" % (self._ttl_s * 1000),
            b"1" if self._queues else b"0",
            b"%d" % self._ticket,
            self._timing.lease_ms,
            self._timing.grant_ms,
            self._wire.channel,
            self._kind.value,
        )
        return scripts.ACQUIRE.call(
            self._keys, args if self._request is None else (*args, self._request)
        )

    def _answered(self) -> bool:
        """Whether the answer to the request came in beside the answer to a question."""
        if self._request is not None:
            self.answer = self._wire.answer_heard(self._owner)
        return self.answer is not None

    def _patience(self) -> float | None:
        """How long Redis may take to answer: a wait ends in time even when Redis stalls."""
        left_s = self._deadline - self._asked_at
        if not self._queues or left_s > self._timing.socket_timeout_s:
            return None  # as long as usual
        return max(left_s, self._timing.leave_within_s)

    def _listen(self, ask_again_ms: int) -> int | bytes | None:
        """The token when woken, the answer when served, or None when it is time to ask again.

        That is in time for the lease, and as soon as a holder's ttl ends.
        """
        pause_s = self._timing.waiter_lease_s / 3
        if ask_again_ms >= 0:
            pause_s = min(pause_s, ask_again_ms / 1000 + 0.001)
        try:
            until = min(monotonic() + pause_s, self._deadline)
            return self._wire.next_wakeup(self._owner, until=until)
        except ConnectionError:
            return None  # ask on a new connection, with the same ticket

    def _confirm(self, token: int, age_s: float) -> float | None:
        """Keep what was handed over `age_s` ago, for its full ttl; `monotonic()` of that.

        It is reserved for `grant_s` only. If this process was stopped for much of that (the token
        is Redis' time), somebody else may have it by now: then the answer is None, to ask again.
        Otherwise nobody waits for Redis' answer: one round trip less on the way from hand to hand.
        """
        now = monotonic()
        if age_s > self._timing.grant_s / 2:
            return None
        if self._ttl_s <= self._timing.grant_s:
            return now - age_s
        if self._request is not None:
            return now  # collect.lua, which is about to follow, confirms it
        lease_ms = b"%d" % (self._ttl_s * 1000)
        keys = scripts.lock_keys(self._names)
        self._wire.tell(scripts.RENEW.call(keys, (self.value(token), lease_ms, b"0")))
        return now

    def _leave(self) -> None:
        """Give up the place in line and what may just have been handed over."""
        call = scripts.LEAVE.call(self._keys, (self._owner, self._timing.grant_ms))
        # If that fails it has hung up: nobody hears the channel, and the place is lost at its turn.
        with suppress(LockError):
            self._wire.call(call, timeout_s=self._timing.leave_within_s)

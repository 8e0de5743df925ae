"""Combining: whoever holds the lock serves everybody who waits for it.

A lock of a hot row spreads a crowd out, one transaction after the other; each pays for a commit and
for the way from hand to hand. But whoever is inside can as well do the others' work: sell a unit to
each of 200 in one transaction. (Flat combining, https://doi.org/10.1145/1810479.1810540; databases
call it group commit.)

    a waiter    asks with its request ─▶ in line ─┬─ "it is yours" ─▶ serves, like any holder
                                                  └─ its answer    ─▶ done, and never held it
    the holder  collects the requests in line ─▶ serve(held, requests) ─▶ lets go, hands over to the
                next in line and wakes each of the served with its answer, in one script call

A waiter pays one call and hears one message; the holder pays one call to get in, one to collect and
one to let go, however many it serves.

**Who is served.** Requests before the first ordinary waiter (one of `lock`), in the order of the
line. So nobody overtakes an ordinary waiter; the requests behind it wait with it.

**A request may be served more than once**, so `serve` must be idempotent by request: put an id into
it and a unique constraint behind that. A server may die, or lose the lock, after its commit and
before its answers. Its waiters are still in line, or come back to it by their ticket, and the next
holder serves them again. Whoever stops waiting doesn't hear whether it was served. A server that
lost the lock raises `LockLost` and answers nobody; its late writes are refused by the rows, if it
fences them with `held.token`.

**An error of `serve`** goes to the caller whose turn it was; the others stay in line. So *answer*
that a request can't be fulfilled: one that raises costs each server in front of it an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tasks.locks import scripts
from tasks.locks.errors import LockLost
from tasks.locks.held import Held

Serve = Callable[[Held, Sequence[bytes]], Sequence[bytes]]
"""Does what the requests ask for, durably, and returns an answer for each, in their order."""

MAX_BYTES: Final = 4096
"""Longest request, and longest answer. They pass through Redis: give references, not documents."""


class Batch:
    """What one holder serves: its own request, and those it finds in line."""

    def __init__(self, name: str, request: bytes, *, most: int) -> None:
        if len(request) > MAX_BYTES:
            raise ValueError(f"A request has at most {MAX_BYTES} bytes, not {len(request)}.")
        if most < 1:
            raise ValueError(f"most is at least 1, not {most!r}.")
        self._keys: Final = scripts.families((name,))
        self._request: Final = request
        self._most: Final = most
        self._waiters: list[bytes] = []
        self._requests: list[bytes] = []
        self._answers: list[bytes] = []

    def collect(self, held: Held) -> bytes:
        """The call that reads the requests in line."""
        ttl_ms = b"%d" % (held.ttl_s * 1000)
        return scripts.COLLECT.call(self._keys, (held.value, ttl_ms, b"%d" % (self._most - 1)))

    def add(self, held: Held, collected: object) -> None:
        """Serve what that call answered, too. Raises `LockLost`."""
        if not isinstance(collected, list):
            held.mark_lost()
            raise LockLost(f"{held} was lost before it began.")
        self._waiters, self._requests = collected[::2], collected[1::2]

    def serve(self, held: Held, serve: Serve) -> bytes:
        """Serve them all; the answer to our own."""
        requests = (self._request, *self._requests)
        answers = [bytes(answer) for answer in serve(held, requests)]
        if len(answers) != len(requests):
            raise ValueError(f"{len(requests)} requests were served by {len(answers)} answers.")
        longest = max(map(len, answers))
        if longest > MAX_BYTES:
            raise ValueError(f"An answer has at most {MAX_BYTES} bytes, not {longest}.")
        mine, *self._answers = answers
        return mine

    def release(self, value: bytes, grant_ms: bytes) -> bytes:
        """The call that lets go and wakes those who were served; none, if `serve` raised."""
        served = zip(self._waiters, self._answers, strict=False)
        answers = (part for waiter_and_answer in served for part in waiter_and_answer)
        return scripts.ANSWER.call(self._keys, (value, grant_ms, *answers))

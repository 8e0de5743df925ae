"""Taking, waiting for and letting go of locks: the one way in and out.

    ask ──free──▶ held ──release──▶ handed to the next in line by the same script
     │
     └─taken──▶ queued: listen until woken ("it is yours", or "try") or until it is time to ask
                again (a second has passed, or the holder's ttl is over) ──▶ ask …

A waiter asks again about once a second. That is its sign of life, it puts the waiter back in its
place after Redis has lost its memory, and it finds locks whose holder died.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from tasks.locks import scripts
from tasks.locks.errors import LockError, LockLost, LockTimeout, LockUnavailable
from tasks.locks.held import Held
from tasks.locks.owner import new_owner
from tasks.locks.watchdog import Watchdog
from tasks.locks.wire import Wire
from tasks.locks.wires import Client, Wires

logger = logging.getLogger(__name__)

LEAVE_WITHIN_S = 0.1
"""How long after the end of its wait a waiter may take to leave the line, in seconds."""

_lockers: weakref.WeakSet[Locker] = weakref.WeakSet()


@dataclass(kw_only=True, slots=True)
class Wish:
    """One acquisition as it was asked for."""

    names: tuple[str, ...]
    owner: bytes
    exact: bool
    ttl_s: float
    deadline: float
    """`monotonic()` of the end of the wait; infinity waits for ever."""
    queue: bool


class Locker:
    """Locks on one Redis (`redis.Redis` of any kind, Sentinel's too, or `redis.RedisCluster`)."""

    def __init__(
        self,
        client: Client,
        *,
        prefix: str = "lock:",
        socket_timeout_s: float = 2.0,
        waiter_lease_s: float = 3.0,
        grant_s: float = 1.0,
    ) -> None:
        self.client: Final = client
        self.prefix: Final = prefix
        self._lease_s: Final = waiter_lease_s
        self._grant_s: Final = grant_s
        self._lease: Final = b"%d" % (waiter_lease_s * 1000)
        self._grant: Final = b"%d" % (grant_s * 1000)
        self._wires: Final = Wires(client, prefix=prefix, timeout_s=socket_timeout_s)
        self._timeout_s: Final = socket_timeout_s
        self._watchdog = Watchdog()
        _lockers.add(self)

    # --- in --------------------------------------------------------------------------------------

    def lock(
        self, key: str, ttl: float = 30, wait: float | None = 5, *, max_hold: float | None = None
    ) -> Held:
        """`lock_all` of one key."""
        names = (self.prefix + key,)
        return self.take(names, ttl_s=ttl, wait_s=wait, max_hold_s=max_hold)

    def lock_all(
        self,
        keys: Iterable[str],
        ttl: float = 30,
        wait: float | None = 5,
        *,
        max_hold: float | None = None,
    ) -> Held:
        """Take all the keys at once, or none; use it in a `with`.

        First come, first served. `ttl`: seconds until it is free again after a crash (renewed
        while it is held). `wait`: seconds to wait (0: try once; None: for ever). `max_hold`:
        seconds after which it is lost, renewed or not.

        Raises `LockTimeout` when somebody else held on, `LockUnavailable` when Redis can't say,
        `ValueError` for keys or times that make no sense.
        """
        names = tuple(sorted({self.prefix + key for key in keys}))
        return self.take(names, ttl_s=ttl, wait_s=wait, max_hold_s=max_hold)

    def take(
        self,
        names: tuple[str, ...],
        *,
        ttl_s: float,
        wait_s: float | None,
        max_hold_s: float | None = None,
        renewed: bool = True,
        exact_owner: bytes | None = None,
    ) -> Held:
        """`lock_all` of keys as Redis sees them. Without `renewed` the watchdog leaves it alone.

        `exact_owner` is stored as the lock's value, byte for byte.
        """
        _check(names, ttl_s, wait_s)
        wire = self._wires.take(names)
        asked_at = monotonic()
        owner = exact_owner or new_owner(wire.nonce()).encode()
        wish = Wish(
            names=names,
            owner=owner,
            exact=exact_owner is not None,
            ttl_s=min(ttl_s, max_hold_s or ttl_s),
            deadline=float("inf") if wait_s is None else asked_at + wait_s,
            queue=wait_s != 0,
        )
        try:
            token, asked_at = self._acquire(wire, wish)
        finally:
            self._wires.put(wire)
        held = Held(
            keys=names,
            token=token,
            value=owner if wish.exact else b"%b|%d" % (owner, token),
            ttl_s=wish.ttl_s,
            taken_at=asked_at,
            max_hold_s=max_hold_s,
            release=self._release,
        )
        if renewed:
            self._watchdog.watch(held, self.renew)
        return held

    def _acquire(self, wire: Wire, wish: Wish) -> tuple[int, float]:
        """The token, and `monotonic()` of when the lock's time began."""
        ticket = 0
        try:
            while True:
                asked_at = monotonic()
                answer = wire.call(self._ask(wire, wish, ticket), timeout_s=self._patience(wish))
                if isinstance(answer, bytes):
                    return int(answer), asked_at
                if answer == 0:
                    raise LockTimeout(f"{', '.join(wish.names)}: taken.")
                ticket, ask_again_ms, redis_us = answer
                until = self._next_ask(wish, ask_again_ms)
                token = self._listen(wire, wish, until=until)
                if token:
                    age_s = (redis_us - token) / 1e6 + monotonic() - asked_at
                    if self._confirm(wire, wish, token, age_s):
                        return token, monotonic() - age_s
                if monotonic() >= wish.deadline:
                    raise LockTimeout(f"{', '.join(wish.names)}: taken for all of the wait.")
        except LockTimeout:
            if wish.queue:
                self._leave(wire, wish)
            raise
        except BaseException:
            # No answer, or interrupted: it may be ours, or queued, without our knowing.
            self._leave(wire, wish)
            raise

    def _ask(self, wire: Wire, wish: Wish, ticket: int) -> bytes:
        return scripts.ACQUIRE.call(
            scripts.families(wish.names),
            (
                wish.owner,
                b"%d" % (wish.ttl_s * 1000),
                b"1" if wish.queue else b"0",
                b"%d" % ticket,
                self._lease,
                self._grant,
                wire.channel,
                b"1" if wish.exact else b"0",
            ),
        )

    def _patience(self, wish: Wish) -> float | None:
        """How long Redis may take to answer: a wait ends in time even when Redis stalls."""
        left_s = wish.deadline - monotonic()
        if not wish.queue or left_s > self._timeout_s:
            return None  # as long as usual
        return max(left_s, LEAVE_WITHIN_S)

    def _next_ask(self, wish: Wish, ask_again_ms: int) -> float:
        """`monotonic()` of when to ask again: in time for the lease, and as a holder's ttl ends."""
        wait_s = self._lease_s / 3
        if ask_again_ms >= 0:
            wait_s = min(wait_s, ask_again_ms / 1000 + 0.001)
        return min(monotonic() + wait_s, wish.deadline)

    def _listen(self, wire: Wire, wish: Wish, *, until: float) -> int | None:
        try:
            return wire.next_wakeup(wish.owner, until=until)
        except ConnectionError:
            return None  # ask again, on a new connection and with the same ticket

    def _confirm(self, wire: Wire, wish: Wish, token: int, age_s: float) -> bool:
        """Keep what was handed over `age_s` ago, for its full ttl.

        It is reserved for `grant_s` only. If this process was stopped for much of that (the token
        is Redis' time), somebody else may have it by now: then the answer is to ask again.
        Otherwise nobody waits for Redis' answer: one round trip less on the way from hand to hand.
        """
        if age_s > self._grant_s / 2:
            return False
        if wish.ttl_s > self._grant_s:
            value = wish.owner if wish.exact else b"%b|%d" % (wish.owner, token)
            wire.tell(self._renewal(wish.names, value, wish.ttl_s, add=False))
        return True

    def _leave(self, wire: Wire, wish: Wish) -> None:
        """Give up the place in line and what may just have been handed over."""
        call = scripts.LEAVE.call(scripts.families(wish.names), (wish.owner, self._grant))
        try:
            wire.call(call, timeout_s=LEAVE_WITHIN_S)
        except LockError:
            pass  # hung up, so nobody hears the channel, and the place is lost at its turn

    # --- while held ------------------------------------------------------------------------------

    def renew(self, held: Held, lease_s: float) -> bool:
        """Keep it for `lease_s` seconds from now; False when it isn't ours."""
        # With a short ttl there is no time for the usual limit.
        patience = held.ttl_s / 3 if held.ttl_s / 3 < self._timeout_s else None
        return self.renew_value(held.keys, held.value, lease_s, timeout_s=patience)

    def renew_value(
        self,
        names: tuple[str, ...],
        value: bytes,
        lease_s: float,
        *,
        add: bool = False,
        timeout_s: float | None = None,
    ) -> bool:
        """Keep the locks that hold `value` for `lease_s` seconds from now, or so much longer to
        `add`; False when not all of them did."""
        call = self._renewal(names, value, lease_s, add=add)
        return self._call(names, call, timeout_s=timeout_s) == 1

    def _renewal(self, names: tuple[str, ...], value: bytes, lease_s: float, *, add: bool) -> bytes:
        lease = b"%d" % max(lease_s * 1000, 1)
        return scripts.RENEW.call(scripts.lock_keys(names), (value, lease, b"1" if add else b"0"))

    # --- out -------------------------------------------------------------------------------------

    def _release(self, held: Held) -> None:
        self._watchdog.forget(held)
        try:
            released = self.release_value(held.keys, held.value)
        except LockUnavailable as error:
            # The work is done, and it was ours as long as its time ran.
            held.check_time()
            logger.warning("%s will expire by itself: %s", held, error)
            return
        if not released:
            held.mark_lost()
            raise LockLost(f"{held} was lost before its release.")

    def release_value(self, names: tuple[str, ...], value: bytes) -> bool:
        """Let go of the locks that hold `value`; False when not all of them did."""
        call = scripts.RELEASE.call(scripts.families(names), (value, self._grant))
        return self._call(names, call) == len(names)

    def _call(
        self, names: tuple[str, ...], packed: bytes, *, timeout_s: float | None = None
    ) -> object:
        wire = self._wires.take(names)
        try:
            return wire.call(packed, timeout_s=timeout_s)
        finally:
            self._wires.put(wire)

    def close(self) -> None:
        """Hang up the idle connections; the locks that are held expire unless released."""
        self._wires.close()

    def _after_fork(self) -> None:
        self._wires.forget()
        self._watchdog = Watchdog()


def _check(names: tuple[str, ...], ttl_s: float, wait_s: float | None) -> None:
    if not names:
        raise ValueError("Nothing to lock: give at least one key.")
    if not 0.001 <= ttl_s < 10**9:
        raise ValueError(f"ttl is in seconds, at least 0.001, not {ttl_s!r}.")
    if wait_s is not None and not wait_s >= 0:
        raise ValueError(f"wait is in seconds, at least 0 (None: for ever), not {wait_s!r}.")


def _reset_in_child() -> None:
    for locker in _lockers:
        locker._after_fork()


os.register_at_fork(after_in_child=_reset_in_child)

"""Taking and letting go of locks: the one way in and out."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Iterable
from functools import partial
from time import monotonic, time
from typing import Final

from tasks.context import current_job
from tasks.locks import scripts
from tasks.locks.acquisition import Acquisition, Kind
from tasks.locks.combining import Batch, Serve
from tasks.locks.errors import LockLost, LockTimeout, LockUnavailable
from tasks.locks.held import Held
from tasks.locks.metrics import lock_metrics
from tasks.locks.owner import new_owner
from tasks.locks.timing import Timing
from tasks.locks.watchdog import Watchdog
from tasks.locks.wires import Client, Wires
from tasks.stage import Stage, on_stage

logger = logging.getLogger(__name__)

_lockers: weakref.WeakSet[Locker] = weakref.WeakSet()


class Locker:
    """Locks on one Redis (`redis.Redis` of any kind, Sentinel's too, or `redis.RedisCluster`)."""

    def __init__(
        self, client: Client, *, prefix: str = "lock:", timing: Timing | None = None
    ) -> None:
        self.client: Final = client
        self.prefix: Final = prefix
        self.timing: Final = timing or Timing()
        self._wires: Final = Wires(client, prefix=prefix, timeout_s=self.timing.socket_timeout_s)
        self._watchdog = Watchdog()
        _lockers.add(self)

    # --- in --------------------------------------------------------------------------------------

    def lock(
        self,
        key: str,
        ttl: float = 30,
        wait: float | None = 5,
        *,
        max_hold: float | None = None,
        shared: bool = False,
    ) -> Held:
        """`lock_all` of one key."""
        names = (self.prefix + key,)
        return self.take(names, ttl_s=ttl, wait_s=wait, max_hold_s=max_hold, shared=shared)

    def lock_all(
        self,
        keys: Iterable[str],
        ttl: float = 30,
        wait: float | None = 5,
        *,
        max_hold: float | None = None,
        shared: bool = False,
    ) -> Held:
        """Take all the keys at once, or none; use it in a `with`.

        First come, first served. `ttl`: seconds until it is free again after a crash (renewed
        while it is held). `wait`: seconds to wait (0: try once; None: for ever). `max_hold`:
        seconds after which it is lost, renewed or not. `shared`: together with others who take
        them shared, too.

        Raises `LockTimeout` when somebody else held on, `LockUnavailable` when Redis can't say,
        `ValueError` for keys or times that make no sense.
        """
        names = tuple(sorted({self.prefix + key for key in keys}))
        return self.take(names, ttl_s=ttl, wait_s=wait, max_hold_s=max_hold, shared=shared)

    def combine(
        self,
        key: str,
        request: bytes,
        serve: Serve,
        *,
        ttl: float = 30,
        wait: float | None = 5,
        most: int = 500,
    ) -> bytes:
        """Have `request` served under the lock of `key`: by ourselves, or by whoever holds it.

        `serve(held, requests)` gets at most `most` requests, its own first and then those in line
        in their order. What they ask for must be durably committed when it returns, with one
        answer for each. A request may come again, so serve it idempotently. `tasks.locks.combining`
        tells more.

        Raises what `lock` raises (then the request may have been served or not), whatever `serve`
        raises, and `ValueError` for a request or answers that don't fit.
        """
        name = self.prefix + key
        batch = Batch(name, request, most=most)
        if stage := on_stage():
            with _pretended((name,), stage) as held:
                return batch.serve(held, serve)
        acquisition, token, taken_at = self._acquire(
            (name,), ttl_s=ttl, wait_s=wait, request=request
        )
        if acquisition.answer is not None:
            return acquisition.answer
        held = Held(
            keys=(name,),
            token=token,
            value=acquisition.value(token),
            ttl_s=ttl,
            taken_at=taken_at,
            max_hold_s=None,
            release=partial(self._release, batch=batch),
        )
        self._watchdog.watch(held, self.renew)
        with held:
            batch.add(held, self._call(held.keys, batch.collect(held)))
            return batch.serve(held, serve)

    def take(
        self,
        names: tuple[str, ...],
        *,
        ttl_s: float,
        wait_s: float | None,
        max_hold_s: float | None = None,
        renewed: bool = True,
        shared: bool = False,
        exact_owner: bytes | None = None,
    ) -> Held:
        """`lock_all` of keys as Redis sees them. Without `renewed` the watchdog leaves it alone.

        `exact_owner` is stored as the lock's value, byte for byte.
        """
        if stage := on_stage():
            return _pretended(names, stage)
        if max_hold_s:
            ttl_s = min(ttl_s, max_hold_s)
        acquisition, token, taken_at = self._acquire(
            names, ttl_s=ttl_s, wait_s=wait_s, shared=shared, exact_owner=exact_owner
        )
        held = Held(
            keys=names,
            token=token,
            value=acquisition.value(token),
            ttl_s=ttl_s,
            taken_at=taken_at,
            max_hold_s=max_hold_s,
            release=self._release,
        )
        if renewed:
            self._watchdog.watch(held, self.renew)
        return held

    def _acquire(
        self,
        names: tuple[str, ...],
        *,
        ttl_s: float,
        wait_s: float | None,
        shared: bool = False,
        exact_owner: bytes | None = None,
        request: bytes | None = None,
    ) -> tuple[Acquisition, int, float]:
        """How it went, the token, and when the lock's time began."""
        _check(names, ttl_s, wait_s)
        kind = Kind.EXACT if exact_owner else Kind.SHARED if shared else Kind.EXCLUSIVE
        began_at = monotonic()
        wire = self._wires.take(names)
        try:
            acquisition = Acquisition(
                wire,
                self.timing,
                names=names,
                owner=exact_owner or new_owner(wire.nonce()).encode(),
                kind=kind,
                ttl_s=ttl_s,
                wait_s=wait_s,
                request=request,
            )
            token, taken_at = acquisition.acquire()
        except LockTimeout:
            lock_metrics.timed_out()
            self._note_wait(names, began_at, got=False)
            raise
        except LockUnavailable:
            lock_metrics.was_unavailable()
            raise
        finally:
            self._wires.put(wire)
        if token:
            lock_metrics.got(monotonic() - acquisition.began_at, queued=acquisition.queued)
        if acquisition.queued:
            self._note_wait(names, began_at, got=True)
        return acquisition, token, taken_at

    def _note_wait(self, names: tuple[str, ...], began_at: float, *, got: bool) -> None:
        """For the record of the job that runs here, if one does."""
        if job := current_job():
            keys = [name.removeprefix(self.prefix) for name in names]
            job.waited(keys, wait_s=monotonic() - began_at, got=got)

    # --- while held ------------------------------------------------------------------------------

    def renew(self, held: Held, lease_s: float) -> bool:
        """Keep it for `lease_s` seconds from now; False when it isn't ours."""
        # With a short ttl there is no time for the usual limit.
        patience = held.ttl_s / 3 if held.ttl_s / 3 < self.timing.socket_timeout_s else None
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
        if on_stage():
            return True
        lease_ms = b"%d" % max(lease_s * 1000, 1)
        args = (value, lease_ms, b"1" if add else b"0")
        call = scripts.RENEW.call(scripts.lock_keys(names), args)
        return self._call(names, call, timeout_s=timeout_s) == 1

    # --- out -------------------------------------------------------------------------------------

    def _release(self, held: Held, *, batch: Batch | None = None) -> None:
        self._watchdog.forget(held)
        lock_metrics.released(monotonic() - held.taken_at)
        try:
            if batch is None:
                released = self.release_value(held.keys, held.value)
            else:
                call = batch.release(held.value, self.timing.grant_ms)
                released = self._call(held.keys, call) == 1
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
        if on_stage():
            return True
        call = scripts.RELEASE.call(scripts.families(names), (value, self.timing.grant_ms))
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


def _pretended(names: tuple[str, ...], stage: Stage) -> Held:
    """What a dry run takes for a lock. Its rows are rolled back, so nobody needs to be kept out;
    its token is a little later than any that Redis gives now, or the rows would refuse it."""
    stage.locks.append(names)
    return Held(
        keys=names,
        token=int((time() + 60) * 1e6),
        value=b"",
        ttl_s=3600,
        taken_at=monotonic(),
        max_hold_s=None,
        release=_let_go_of_nothing,
    )


def _let_go_of_nothing(held: Held) -> None:
    """A pretended lock is nobody's."""


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

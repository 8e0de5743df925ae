"""How stock is written: who waits for whom, and what stops a writer that should not write.

Two kinds of writers:

- **Deciders** (reserve, receive, adjust, sync) look at a stock and decide by what they see. They
  take turns by a Redis lock a product, so a crowd waits in Redis and not on PostgreSQL's
  connections: `guarded` takes the locks, then opens the transaction.
- **Settlers** (commit, release, return, expiry) only carry out what was decided before: units that
  are promised are sold or let go. They need no lock, must not fail because Redis is down, and may
  be part of the caller's transaction.

Who waits for whom, which is why there is no deadlock:

    Redis locks (all at once) ─▶ stock rows in pk order ─▶ their reservations

Nobody waits for a Redis lock while holding a row: `guarded` insists on being the outermost
transaction. Everybody locks stock rows before anything of theirs, in pk order. A caller's own rows
(an order) come before stock rows, and nobody who holds a stock row asks for an order.

What makes a mistake harmless, should a lock be lost (a stalled process, FLUSHALL):

1. Both kinds read a stock only after they have locked its row, so they decide by what is true.
2. Deciders write `WHERE fence <= :token`, and write their token. One whose lock went to somebody
   else, who has written since, is refused (`StaleFence`). Settlers neither check nor move the
   fence: it counts the holders of the lock, and they are none.
3. Every UPDATE carries its condition, and a CHECK constraint stands behind it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction

from tasks.locks import Held, LockLost, StaleFence, combine, lock_all

logger = logging.getLogger(__name__)

LOCK_TTL_S = 30.0  # renewed while it is held; so long do others wait after a holder's death
LOCK_WAIT_S = 5.0  # longer than any line in a healthy shop; then the job comes back later


@contextmanager
def guarded(product_ids: Iterable[int]) -> Iterator[Held]:
    """A transaction under the locks of these products, committed when the block ends.

    Raises `LockTimeout`, `LockUnavailable`, `LockLost` (nothing was written) and RuntimeError when
    the caller is in a transaction already, which would outlive the locks.
    """
    with holding(_keys(product_ids)) as held, transaction.atomic(durable=True):
        yield held
        held.check()


def taking_turns(
    product_ids: Collection[int],
    request: bytes,
    serve: Callable[[Held, Sequence[bytes]], Sequence[bytes]],
) -> bytes:
    """The answer to `request`, by our `serve` under the locks of these products.

    `serve` gets our request first, and with it those of others who stand in line for the same
    single product; it answers each after its commit. Or one of them serves us. Raises its errors,
    those of the locks, and RuntimeError when the caller is in a transaction already.
    """
    keys = _keys(product_ids)
    if len(keys) > 1:
        with holding(keys) as held:
            return serve(held, [request])[0]
    with transaction.atomic(durable=True):
        pass  # who is served by somebody else would not notice its own
    return combine(keys[0], request, serve, ttl=LOCK_TTL_S, wait=LOCK_WAIT_S)


def _keys(product_ids: Iterable[int]) -> list[str]:
    return [f"stock:{product_id}" for product_id in product_ids]


@contextmanager
def holding(keys: Iterable[str], *, wait_s: float = LOCK_WAIT_S) -> Iterator[Held]:
    """Locks that are let go silently: a loss noticed after the COMMIT must not look like a failure.

    What was committed is right, whatever became of the lock; the fence saw to that.
    """
    held = lock_all(keys, ttl=LOCK_TTL_S, wait=wait_s)
    try:
        yield held
    finally:
        try:
            held.release()
        except LockLost as error:
            logger.warning("%s", error)


def all_written(expected: int, written: int, *, held: Held) -> None:
    """Raises `StaleFence` unless every row was written by the holder of the lock.

    The rows are locked and their figures were checked, so only the fence can have refused one.
    """
    if written != expected:
        raise StaleFence(f"A newer holder has written what {held} guards.")

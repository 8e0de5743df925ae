"""Errors of the locks. All are redis-py's `LockError`s too, so old `except` clauses work."""

from __future__ import annotations

from redis.exceptions import LockError as RedisLockError
from redis.exceptions import LockNotOwnedError as RedisLockNotOwnedError


class LockError(RedisLockError):
    """Base of the locks' errors; itself raised when a key can't be used as a lock at all."""


class LockTimeout(LockError):
    """Somebody else held the lock for all of `wait`. Try again later."""


class LockUnavailable(LockError):
    """Redis is down, too slow, read-only or loading, so nobody can know who holds the lock.

    Nothing was entered. Let the job be retried with backoff.
    """


class LockNotOwned(LockError, RedisLockNotOwnedError):
    """Whoever asked doesn't hold the lock: never acquired, released already, or another process."""


class LockLost(LockNotOwned):
    """It was held, and isn't any more: it expired, was flushed, or was released by force.

    Somebody else may be inside by now. Stop, and let the transaction roll back.
    """


class StaleFence(LockError):
    """A guarded row has been written by a newer holder of the lock, so this write was refused.

    Nothing was changed. Let the transaction roll back and the job be retried.
    """

"""Asking Redis through the client of a locker: its errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisClusterException, RedisError

from tasks.locks.errors import LockUnavailable


@contextmanager
def asking() -> Iterator[None]:
    """Raises `LockUnavailable` for whatever redis-py raises inside."""
    try:
        yield
    except (RedisError, RedisClusterException) as error:
        raise LockUnavailable(f"Redis did not answer: {error}") from error

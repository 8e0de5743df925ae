"""What a lock's keys are called, and that all of them lie in one Redis Cluster slot.

Each lock `name` has three keys beside it: the queue of waiters, what is known about each waiter,
and the newest fencing token. They share the lock's slot by a hash tag: the name's own, `a:{42}:b`,
or else the whole name. https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from redis.crc import key_slot

from tasks.locks.errors import LockError

MAX_NAME_BYTES = 1024
"""A longer name is surely a mistake, such as a document passed as a key."""


@lru_cache(maxsize=4096)
def key_family(name: str) -> tuple[bytes, bytes, bytes, bytes]:
    """The lock's key, its queue, its waiters and its fence, as Redis sees them.

    Raises ValueError for a name that can't be a lock's.
    """
    if not name or len(name.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"A lock's key has 1 to {MAX_NAME_BYTES} bytes, not {name[:50]!r}.")
    beside = name if _has_hash_tag(name) else "{" + name + "}"
    return (
        name.encode(),
        f"{beside}:queue".encode(),
        f"{beside}:waiters".encode(),
        f"{beside}:fence".encode(),
    )


def is_beside(name: str) -> bool:
    """Whether a key's name is that of a lock's queue, waiters or fence."""
    return _has_hash_tag(name) and name.endswith((":queue", ":waiters", ":fence"))


def check_one_slot(names: Sequence[str]) -> None:
    """Raises `LockError` when a Redis Cluster keeps the names on different nodes' slots."""
    slots = {key_slot(key) for name in names for key in key_family(name)}
    if len(slots) > 1:
        raise LockError(
            "These keys lie in different slots of the Redis Cluster; give them one hash tag, "
            f"as in order:{{42}}:stock: {', '.join(names)}"
        )


def _has_hash_tag(name: str) -> bool:
    opening = name.find("{")
    return opening >= 0 and name.find("}", opening) > opening + 1

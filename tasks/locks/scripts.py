"""The Lua scripts, and how a call of one is put into bytes.

A call is packed by hand (RESP arrays of bulk strings) since redis-py's general packing is a good
part of what an uncontended lock costs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from tasks.locks.keys import key_family

_FOLDER = Path(__file__).parent / "lua"


def pack(*parts: bytes) -> bytes:
    """A command in Redis' wire format. https://redis.io/docs/latest/develop/reference/protocol-spec/"""
    return b"*%d\r\n%b" % (len(parts), _bulks(parts))


class Script:
    """One Lua script. Redis knows it by its digest once a connection has loaded it."""

    def __init__(self, body: bytes) -> None:
        self.body: Final = body
        self.sha: Final = hashlib.sha1(self.body, usedforsecurity=False).hexdigest().encode()
        self._evalsha: Final = b"$7\r\nEVALSHA\r\n$40\r\n%s\r\n" % self.sha

    def load(self) -> bytes:
        return pack(b"SCRIPT", b"LOAD", self.body)

    def call(self, keys: _Keys, args: Collection[bytes]) -> bytes:
        """EVALSHA of this script, packed."""
        parts = 3 + keys.count + len(args)
        return b"*%d\r\n%b%b%b" % (parts, self._evalsha, keys.packed, _bulks(args))


class _Keys:
    """Some keys, counted and packed."""

    __slots__ = ("count", "packed")

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.count = len(keys)
        self.packed = _bulks((b"%d" % len(keys), *keys))


FEW = 8
"""More names than that at once are a batch's: never the same again, and large."""


def families(names: tuple[str, ...]) -> _Keys:
    """Lock, queue, waiters and fence of each name."""
    return _few_families(names) if len(names) <= FEW else _many_families(names)


def lock_keys(names: tuple[str, ...]) -> _Keys:
    """Only the locks themselves."""
    return _few_lock_keys(names) if len(names) <= FEW else _lock_keys(names)


def _families(names: tuple[str, ...]) -> _Keys:
    return _Keys([key for name in names for key in key_family(name)])


def _lock_keys(names: tuple[str, ...]) -> _Keys:
    return _Keys([key_family(name)[0] for name in names])


_few_families = lru_cache(maxsize=4096)(_families)
_few_lock_keys = lru_cache(maxsize=4096)(_lock_keys)
_many_families = lru_cache(maxsize=2)(_families)  # from their acquire to their release


def _bulks(parts: Iterable[bytes]) -> bytes:
    return b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])


def _read(*files: str) -> Script:
    return Script("\n".join((_FOLDER / f"{file}.lua").read_text() for file in files).encode())


ACQUIRE: Final = _read("holders", "queue", "acquire")
RELEASE: Final = _read("holders", "queue", "release")
LEAVE: Final = _read("holders", "queue", "leave")
RENEW: Final = _read("holders", "renew")
COLLECT: Final = _read("holders", "queue", "collect")
ANSWER: Final = _read("holders", "queue", "answer")
ALL: Final = (ACQUIRE, RELEASE, LEAVE, RENEW, COLLECT, ANSWER)

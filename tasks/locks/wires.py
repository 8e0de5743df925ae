"""The connections of one process to the server that keeps a lock; idle ones are used again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis import RedisCluster
from redis.connection import ConnectionPool

from tasks.locks.errors import LockUnavailable
from tasks.locks.keys import check_one_slot
from tasks.locks.reporting import reporter
from tasks.locks.wire import Wire

Client = Any
"""A `redis.Redis` of any kind (Sentinel's too) or a `redis.RedisCluster`."""


class Wires:
    """Takes the address, the passwords and the TLS options of `client`, never its connections."""

    def __init__(self, client: Client, *, prefix: str, timeout_s: float) -> None:
        self._client = client
        self._is_cluster = isinstance(client, RedisCluster)
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._idle: dict[int, list[Wire]] = {}

    def take(self, names: Sequence[str]) -> Wire:
        """A connection to the server of these locks, for this thread alone; `put` it back.

        Raises `LockError` when a Redis Cluster keeps them in different slots.
        """
        pool = self._pool(names)
        idle = self._idle.get(id(pool))
        try:
            return idle.pop() if idle else self._new(pool)
        except IndexError:  # another thread was quicker
            return self._new(pool)

    def put(self, wire: Wire) -> None:
        self._idle.setdefault(id(wire.pool), []).append(wire)

    def forget(self) -> None:
        """In a forked child: the connections are the parent's."""
        self._idle = {}

    def close(self) -> None:
        """Hang up all idle connections."""
        for wires in self._idle.values():
            while wires:
                wires.pop().close()

    def _new(self, pool: ConnectionPool) -> Wire:
        reporter.begin()  # here, since every process comes by and no lock waits for it again
        return Wire(pool, prefix=self._prefix, timeout_s=self._timeout_s)

    def _pool(self, names: Sequence[str]) -> ConnectionPool:
        if not self._is_cluster:
            pool: ConnectionPool = self._client.connection_pool
            return pool
        check_one_slot(names)
        node: Any = self._client.get_node_from_key(names[0])
        if node is None or node.redis_connection is None:
            self._client.nodes_manager.initialize()
            raise LockUnavailable("No node of the Redis Cluster serves these keys.")
        served: ConnectionPool = node.redis_connection.connection_pool
        return served

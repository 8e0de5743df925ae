from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from tasks.locks import Locker
from tests.tasks.locks.servers import PrivateRedis


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    server = PrivateRedis(tmp_path_factory.mktemp("locks"))
    yield server
    server.stop()


@pytest.fixture
def redis(shared_redis: PrivateRedis) -> Redis:
    """An empty Redis that stays up."""
    client = shared_redis.client()
    client.flushall()
    return client


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    """A Redis for this test alone, to be broken."""
    server = PrivateRedis(tmp_path)
    yield server
    server.thaw()
    server.stop()


@pytest.fixture
def locker(redis: Redis) -> Iterator[Locker]:
    locker = Locker(redis)
    yield locker
    locker.close()


@pytest.fixture
def new_locker(redis: Redis) -> Callable[[], Locker]:
    """Makes lockers that share no connection, like other processes'."""
    return lambda: Locker(redis)

from __future__ import annotations

import pytest

from stack.services import Services
from tasks.doctor import memory
from tests.tasks.doctor.conftest import said

pytestmark = pytest.mark.usefixtures("empty_services")


def test_a_sound_redis_has_no_problem() -> None:
    assert said(memory.eviction()) == ""


def test_a_redis_that_drops_keys(services: Services) -> None:
    with services.redis.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            assert "drops keys when it is full (allkeys-lru)" in said(memory.eviction())
        finally:
            client.config_set("maxmemory-policy", "noeviction")


def test_a_redis_that_is_a_replica(services: Services) -> None:
    with services.redis.client() as client:
        client.replicaof("127.0.0.1", 1)
        try:
            assert "is a replica" in said(memory.eviction())
        finally:
            client.replicaof("NO", "ONE")

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_redis import get_redis_connection

from shop.api import limits
from tests.shop.api.callers import Program, key_of, user


@pytest.fixture(autouse=True)
def fresh_limits(empty_cache: None) -> Iterator[None]:
    """Nobody has asked for anything yet."""
    limits.start_anew()
    redis = get_redis_connection("default")
    for key in redis.scan_iter(f"{limits.PREFIX}*"):
        redis.delete(key)
    yield
    limits.start_anew()


@pytest.fixture
def ann(db: None) -> User:
    return user("ann")


@pytest.fixture
def program(client: Client, ann: User) -> Program:
    """A program with a key of Ann's for everything."""
    return Program(client, key_of(ann))

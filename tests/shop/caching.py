"""Redis outlives the database's rollback, and knows nothing of rows changed in bulk."""

from __future__ import annotations

from typing import cast

from django.core.cache import caches
from django_redis.cache import RedisCache


def forget_everything() -> None:
    """Delete the shop's keys only: the Redis server may have other users."""
    cast(RedisCache, caches["default"]).delete_pattern("*")

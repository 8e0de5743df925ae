"""The locks' settings, typed, with their defaults. In Django settings: prefix `LOCKS_`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

from django.core.exceptions import ImproperlyConfigured

from tasks.prefixed import check_value, prefixed_settings

PREFIX = "LOCKS_"


@dataclass(frozen=True, kw_only=True)
class LocksConf:
    redis_url: str = ""
    """Where the locks live: redis://, rediss:// or unix://."""

    client: str = ""
    """Instead of a URL: dotted path of a function that returns a redis-py client.

    For Sentinel (`sentinel.master_for(…)`) and Cluster (`RedisCluster(…)`).
    """

    prefix: str = "lock:"
    """Starts the name of every key and channel. Give each deployment on one Redis its own."""

    socket_timeout_s: float = 2.0
    """Longest wait for a connection or an answer, in seconds, before `LockUnavailable`."""

    waiter_lease_s: float = 3.0
    """How long a waiter keeps its place without a sign of life, in seconds. It gives one every
    third of that. A waiter whose connection is gone is skipped at once."""

    grant_s: float = 1.0
    """How long a lock that was handed over stays reserved until its new holder, woken up,
    confirms it, in seconds. It bounds the time a stopped waiter can cost."""

    metrics_every_s: float = 5.0
    """How often a process adds its numbers to those of all processes, in seconds."""

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = PREFIX + field.name.upper(), getattr(self, field.name)
            check_value(name, value, default=field.default)


@cache
def conf() -> LocksConf:
    """The settings in force.

    Raises `ImproperlyConfigured` for a `LOCKS_…` setting that doesn't exist, or when none says
    where the locks live.
    """
    values = prefixed_settings(PREFIX, {field.name for field in fields(LocksConf)})
    if not values.get("redis_url") and not values.get("client"):
        raise ImproperlyConfigured(
            "Set LOCKS_REDIS_URL (or LOCKS_CLIENT): where do the locks live?"
        )
    return LocksConf(**values)

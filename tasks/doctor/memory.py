"""Redis: what it does when its memory is full."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.conf import conf
from tasks.doctor.problem import Problem
from tasks.locks.default import default_locker

TIMEOUT_S = 3.0


def eviction() -> Iterator[Problem]:
    """Redis drops no lock when its memory is full, and takes writes."""
    for name, client in clients().items():
        about: dict[str, Any] = client.info()
        policy = str(about.get("maxmemory_policy", "noeviction"))
        if policy != "noeviction":
            yield Problem(
                what=f"The Redis of {name} drops keys when it is full ({policy}), locks too.",
                do="Set maxmemory-policy noeviction in its configuration.",
            )
        if about.get("role") == "slave":
            yield Problem(
                what=f"The Redis of {name} is a replica, which takes no locks.",
                do=f"Set {name} to the primary, or use Sentinel.",
            )


def clients() -> dict[str, Any]:
    """By the name of their setting, each server once."""
    found: dict[str, Any] = {"LOCKS_REDIS_URL": default_locker().client}
    if url := conf().redis_url:
        client = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        if _address(client) != _address(found["LOCKS_REDIS_URL"]):
            found["JOBS_REDIS_URL"] = client
    return found


def _address(client: Any) -> object:
    """A Cluster has none of its own; it is another server then."""
    pool = getattr(client, "connection_pool", None)
    kept: dict[str, Any] = getattr(pool, "connection_kwargs", {})
    return (kept.get("host"), kept.get("port"), kept.get("path"))

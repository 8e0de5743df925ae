"""The locker that the settings describe."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.locks.conf import PREFIX, LocksConf, conf
from tasks.locks.locker import Locker
from tasks.locks.metrics import totals_key
from tasks.locks.reporting import Totals, reporter
from tasks.locks.timing import Timing


@cache
def default_locker() -> Locker:
    """One for the process. Raises `ImproperlyConfigured`."""
    settings = conf()
    return Locker(
        import_string(settings.client)() if settings.client else _client(settings),
        prefix=settings.prefix,
        timing=Timing(
            socket_timeout_s=settings.socket_timeout_s,
            waiter_lease_s=settings.waiter_lease_s,
            grant_s=settings.grant_s,
        ),
    )


def _totals() -> Totals:
    locker = default_locker()
    return Totals(locker.client, totals_key(locker.prefix), conf().metrics_every_s)


reporter.totals = _totals


def _client(settings: LocksConf) -> Redis:
    """For looking at locks; the locks themselves use connections of their own."""
    return Redis.from_url(
        settings.redis_url,
        socket_timeout=settings.socket_timeout_s,
        socket_connect_timeout=settings.socket_timeout_s,
        retry=Retry(NoBackoff(), 1),  # once, for a connection that died while it was idle
    )


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith(PREFIX):
        conf.cache_clear()
        default_locker.cache_clear()


setting_changed.connect(_forget)

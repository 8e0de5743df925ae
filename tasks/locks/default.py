"""The locker that the settings describe."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from redis import Redis

from tasks.locks.conf import PREFIX, conf
from tasks.locks.locker import Locker
from tasks.locks.timing import Timing


@cache
def default_locker() -> Locker:
    """One for the process. Raises `ImproperlyConfigured`."""
    settings = conf()
    client = (
        import_string(settings.client)() if settings.client else Redis.from_url(settings.redis_url)
    )
    return Locker(
        client,
        prefix=settings.prefix,
        timing=Timing(
            socket_timeout_s=settings.socket_timeout_s,
            waiter_lease_s=settings.waiter_lease_s,
            grant_s=settings.grant_s,
        ),
    )


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith(PREFIX):
        conf.cache_clear()
        default_locker.cache_clear()


setting_changed.connect(_forget)

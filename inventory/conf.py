"""The stock sync's settings, typed, with their defaults. In Django settings: prefix `SYNC_`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from tasks.prefixed import check_value, prefixed_settings

PREFIX = "SYNC_"


@dataclass(frozen=True, kw_only=True)
class SyncConf:
    chunk_rows: int = 1000
    """Rows merged under one set of locks and committed together. More are faster in all, and keep
    a checkout of one of their products waiting for longer; see docs/stock-sync.md."""

    gives_way_to: tuple[str, ...] = ("checkout",)
    """Queues whose waiting jobs a sync gives way to."""

    gives_way_after_s: float = 2.0
    """How long one of them must have waited, in seconds."""

    gives_way_for_s: float = 2.0
    """For how long the sync steps aside, in seconds. It works at least a second between two."""

    keep_runs: int = 5
    """The rows of so many ended runs of a supplier are kept for their reports."""

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = PREFIX + field.name.upper(), getattr(self, field.name)
            if field.name != "gives_way_to":
                check_value(name, value, default=field.default)
            elif not _are_names(value):
                raise ImproperlyConfigured(
                    f'{name} must be names of queues, such as ("checkout",), not {value!r}.'
                )


def _are_names(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


@cache
def conf() -> SyncConf:
    """The settings in force.

    Raises `ImproperlyConfigured` for a `SYNC_…` setting that doesn't exist or makes no sense.
    """
    return SyncConf(**prefixed_settings(PREFIX, {field.name for field in fields(SyncConf)}))


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith(PREFIX):
        conf.cache_clear()


setting_changed.connect(_forget)

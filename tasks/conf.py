"""Every setting of the platform, typed, with its default. In Django settings: prefix `JOBS_`."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from tasks.prefixed import check_value, prefixed_settings

PREFIX = "JOBS_"


@dataclass(frozen=True, kw_only=True)
class JobsConf:
    redis_url: str = ""
    """Where wake-ups are published. Empty: the dispatcher only polls."""

    wake_channel: str = "jobs:wake"
    """Redis channel of the wake-ups. Give each deployment on one Redis its own."""

    poll_s: float = 1.0
    """How often the dispatcher looks for due jobs when nobody wakes it, in seconds."""

    batch_size: int = 200
    """Jobs published between two waits for the broker's confirms."""

    confirm_timeout_s: float = 10.0
    """How long a batch may wait for its confirms before it counts as not sent."""

    prepare_statements: bool = True
    """Have PostgreSQL plan the claim and the finish of jobs once for each connection."""

    lease_s: float = 30.0
    """How long a claimed job stays its worker's without a sign of life; renewed at a third."""

    republish_after_s: float = 10.0
    """How long a queued job may be missing from the broker before it is published again."""

    rescue_every_s: float = 2.0
    """How often the dispatcher looks for lapsed leases, lost messages and parked ones."""

    max_crashes: int = 3
    """Attempts that may end without a word (a killed worker) before the job is dead."""

    max_argument_bytes: int = 64 * 1024
    """Largest arguments as JSON. Pass ids, not documents."""

    max_traceback_chars: int = 16_000
    """How much of the end of a traceback the ledger keeps."""

    max_result_bytes: int = 16 * 1024
    """Largest result as JSON that the ledger keeps; a larger one fails the job for good."""

    private_patterns: tuple[str, ...] = ()
    """Regular expressions of what `tasks.privacy` hides in logs and errors, besides the usual."""

    keep_finished_days: float = 7.0
    """How long succeeded, cancelled and expired jobs stay in the ledger."""

    keep_dead_days: float = 90.0
    """How long dead jobs stay in the ledger."""

    flower_url: str = ""
    """Where people reach Flower, for links to it. Empty: no links."""


@cache
def conf() -> JobsConf:
    """The settings in force.

    Raises `ImproperlyConfigured` for a `JOBS_…` setting that doesn't exist or has a wrong type.
    """
    known = {field.name: field for field in fields(JobsConf)}
    values = prefixed_settings(PREFIX, known)
    for field, value in values.items():
        check_value(PREFIX + field.upper(), value, default=known[field].default)
    found = JobsConf(**values)
    for pattern in found.private_patterns:
        _check_pattern(pattern)
    return found


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ImproperlyConfigured(
            f"{PREFIX}PRIVATE_PATTERNS must be regular expressions; {pattern!r}: {error}."
        ) from error


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith(PREFIX):
        conf.cache_clear()


setting_changed.connect(_forget)

"""Boot checks: `manage.py check` refuses limits that let nobody in, or count nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

MOST_PER_MINUTE = 1_000_000  # the script counts in whole microseconds
LONGEST_STREAM_S = 300.0  # a deployment has to wait for it, or cut it off


@register("api")
def check_api(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = [
        Error(f"Set {name} from 1 to {MOST_PER_MINUTE:,} requests a minute.", id="api.E001")
        for name in ("API_READS_PER_MINUTE", "API_CHECKOUTS_PER_MINUTE")
        if not 1 <= getattr(settings, name) <= MOST_PER_MINUTE
    ]
    if not 0 <= settings.API_STREAM_S <= LONGEST_STREAM_S:
        messages.append(
            Error(f"Set API_STREAM_S (seconds) from 0 to {LONGEST_STREAM_S:g}.", id="api.E002")
        )
    if settings.API_STREAMS_PER_PROCESS < 0:
        messages.append(
            Error("Set API_STREAMS_PER_PROCESS to fewer than gunicorn's --threads.", id="api.E003")
        )
    return messages

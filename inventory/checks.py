"""Boot checks: `manage.py check` refuses broken credentials of suppliers and sync settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from celery import Celery
from celery.app import app_or_default
from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from inventory.conf import SyncConf, conf
from inventory.errors import CredentialInvalid
from inventory.feeds.credentials import PREFIX, push_secret, web_credential
from inventory.guard import LOCK_WAIT_S
from inventory.progress import LOOK_EVERY_S

SYNC_TASK = "inventory.sync_supplier"

# The most that a row of a chunk took on a crowded machine, in seconds; see docs/benchmarks.md.
SLOWEST_ROW_S = 0.836e-3

LEAST_SHARE = 0.02
"""Of the time in which a sync works in a shop whose jobs always wait."""


@register("suppliers")
def check_suppliers(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return list(_check_credentials())


def _check_credentials() -> Iterator[CheckMessage]:
    for name in sorted(settings.SUPPLIER_SECRETS):
        is_secret = settings.SUPPLIER_SECRETS[name].startswith("secret")
        try:
            (push_secret if is_secret else web_credential)(name)
        except CredentialInvalid as error:
            example = f"{PREFIX}ACME='bearer api.acme.example TOKEN'"
            yield Error(f"{error} See .env.example; for example {example}.", id="suppliers.E001")


@register("sync")
def check_sync(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    try:
        found = conf()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="sync.E001")]
    return [*_check_queues(found, app_or_default()), *_check_times(found)]


def _check_queues(found: SyncConf, app: Celery) -> Iterator[CheckMessage]:
    own = app.amqp.router.route({}, SYNC_TASK)["queue"].name
    for name in found.gives_way_to:
        if name not in app.amqp.queues:
            known = ", ".join(sorted(app.amqp.queues))
            yield Error(
                f"SYNC_GIVES_WAY_TO names {name!r}, which is no queue. There are {known}.",
                id="sync.E002",
            )
        elif name == own:
            yield Error(
                f"Take {own!r} out of SYNC_GIVES_WAY_TO: it is the syncs' own queue, and two of"
                " them would step aside for each other.",
                id="sync.E003",
            )


def _check_times(found: SyncConf) -> Iterator[CheckMessage]:
    longest_s = found.chunk_rows * SLOWEST_ROW_S
    if longest_s > LOCK_WAIT_S:
        yield checks.Warning(
            f"SYNC_CHUNK_ROWS is {found.chunk_rows}: on a busy machine such a chunk may hold its"
            f" products for {longest_s:.0f} s, and a checkout waits {LOCK_WAIT_S:g} s for one.",
            hint="More than 1,000 rows gain next to nothing.",
            id="sync.W001",
        )
    share = LOOK_EVERY_S / (LOOK_EVERY_S + found.gives_way_for_s)
    if share < LEAST_SHARE:
        yield checks.Warning(
            f"SYNC_GIVES_WAY_FOR_S is {found.gives_way_for_s:g}: in a busy shop a sync would work"
            f" for {LOOK_EVERY_S:g} s in {LOOK_EVERY_S + found.gives_way_for_s:g} s only.",
            id="sync.W002",
        )
    if found.gives_way_after_s > LOCK_WAIT_S:
        yield checks.Warning(
            f"SYNC_GIVES_WAY_AFTER_S is {found.gives_way_after_s:g}: what a sync holds up would"
            f" wait longer for it than for a lock ({LOCK_WAIT_S:g} s).",
            id="sync.W003",
        )

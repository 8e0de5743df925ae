"""How the catalogue's cache is kept right: what is cached belongs to a generation.

    naive:  reader reads the old row ─▶ writer commits, deletes the key ─▶ reader caches the old row
    here:   every entry's key carries the generation that its reader saw *before* it read the row.
            A writer ends the generation after its commit, and no reader asks for old entries.

Generations are random, so that one which is gone never comes back; the next reader starts another.
When Redis can't be reached a reader finds nothing and asks the database; a writer can't end the
generation, so what was cached before the outage may be served for `TTL_S` after it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import transaction

TTL_S = 30
"""Longest time in seconds that a lost invalidation, or an expiry nobody noticed, can show."""

CATALOGUE = "catalogue"
"""The generation of all that is said about products and categories, apart from stock."""

Name = int | str
"""A product's id stands for its availability."""


def current(names: Iterable[Name]) -> dict[Name, str]:
    """The generation of each name. Ask before you read the rows."""
    keys = {name: _key(name) for name in names}
    found = cache.get_many(list(keys.values())) if keys else {}
    started = {name: _new() for name, key in keys.items() if key not in found}
    if started:
        _store(started)
    return {name: started.get(name) or found[key] for name, key in keys.items()}


def renew(names: Iterable[Name]) -> None:
    """What is cached under these names is no longer true. Call it after the commit.

    One command for all of them: a stock sync renews a thousand at once.
    """
    if keys := [_key(name) for name in names]:
        cache.delete_many(keys)


def renew_on_commit(names: Iterable[Name]) -> None:
    """`renew` when the current transaction commits."""
    changed = sorted(set(names), key=str)
    if changed:
        transaction.on_commit(partial(renew, changed), robust=True)


def on_catalogue_change(**_: Any) -> None:
    """Receiver of `post_save` and `post_delete` of products and categories."""
    renew_on_commit([CATALOGUE])


def _store(generations: dict[Name, str]) -> None:
    if generations:
        # Longer than any entry lives: a generation that runs out only costs a look-up.
        cache.set_many({_key(name): value for name, value in generations.items()}, 20 * TTL_S)


def _key(name: Name) -> str:
    return f"inventory:generation:{name}"


def _new() -> str:
    return secrets.token_urlsafe(9)

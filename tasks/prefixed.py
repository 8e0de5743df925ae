"""Reads the Django settings of one prefix, for the typed places that say what they mean."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def prefixed_settings(prefix: str, known: Collection[str]) -> dict[str, Any]:
    """The values of the settings that start with `prefix`, by the rest of the name in lower case.

    Raises `ImproperlyConfigured` for one that isn't `known`: a typing error would go unnoticed.
    """
    values: dict[str, Any] = {}
    for name in dir(settings):
        if name.startswith(prefix):
            field = name.removeprefix(prefix).lower()
            if field not in known:
                choices = ", ".join(sorted(prefix + key.upper() for key in known))
                raise ImproperlyConfigured(f"{name} is not a setting. Known are: {choices}.")
            values[field] = getattr(settings, name)
    return values

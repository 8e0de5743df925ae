"""Reads the Django settings of one prefix, for the typed places that say what they mean."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, cast

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


def check_value(name: str, value: object, *, default: object) -> None:
    """Raises `ImproperlyConfigured` unless the value is of the default's kind.

    A number must be above 0 and finite, and whole where the default is.
    """
    if isinstance(default, bool | str | tuple):
        if not isinstance(value, type(default)):
            raise ImproperlyConfigured(f"{name} must be {type(default).__name__}, not {value!r}.")
        return
    whole = isinstance(default, int)
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not is_number or not 0 < cast(float, value) < math.inf:
        kind = "whole number" if whole else "number"
        raise ImproperlyConfigured(f"{name} must be a {kind} above 0, not {value!r}.")

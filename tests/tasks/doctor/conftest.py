from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app

from tasks.doctor.problem import Problem

Change = Callable[..., None]


@pytest.fixture
def change() -> Iterator[Change]:
    """Change options of the Celery app until the end of the test."""
    before: dict[str, Any] = {}

    def change(**options: Any) -> None:
        for name, value in options.items():
            before.setdefault(name, current_app.conf[name])
            current_app.conf[name] = value

    yield change
    for name, value in before.items():
        current_app.conf[name] = value


def said(problems: Iterator[Problem]) -> str:
    """Everything that a check found, as one text; empty when all is well."""
    return " ".join(f"{each.what} {each.do}" for each in problems)

"""The environment of the shop's processes: what the user set, and what we generated for the rest.

The outcome is written to `var/env`, so that `./run manage` sees the same world as the workers do.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

import environ

SERVICE_VARIABLES = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL")

DOCUMENTED = re.compile(r"^#?([A-Z][A-Z0-9_]+)=", re.MULTILINE)


def documented(example: Path) -> list[str]:
    """The names that `.env.example` explains: every setting that a user may set."""
    return DOCUMENTED.findall(example.read_text())


def from_user(dotenv: Path) -> dict[str, str]:
    """The process's environment, over what `.env` says. Changes neither."""

    class Env(environ.Env):  # type: ignore[misc]  # django-environ has no types
        ENVIRON = dict(os.environ)

    Env.read_env(str(dotenv))  # never overrides a variable that is set
    return Env.ENVIRON


def effective(
    user: Mapping[str, str], generated: Mapping[str, str], *, known: Iterable[str]
) -> dict[str, str]:
    """The shop's variables: the user's where there are some, the generated ones elsewhere.

    `known` names settings with good defaults, kept when the user set them.
    """
    chosen = {name: user.get(name) or value for name, value in generated.items()}
    chosen.update({name: user[name] for name in known if user.get(name)})
    return dict(sorted(chosen.items()))


def write(path: Path, variables: Mapping[str, str]) -> None:
    """In a form that both sh and `read` understand, private from the first byte."""
    lines = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")
    fresh.replace(path)


def read(path: Path) -> dict[str, str]:
    """What `write` wrote; empty when there is no file."""
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines() if line)
    return {name: "".join(shlex.split(value)) for name, _, value in pairs}

"""What is chosen once and remembered: ports and generated secrets, in one private JSON file."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from stack.ports import free_port, is_free

SECRET_BYTES = 24


class Notebook:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports: dict[str, int] = {}
        self._secrets: dict[str, str] = {}
        if path.exists():
            written: dict[str, Any] = json.loads(path.read_text())
            self._ports, self._secrets = written["ports"], written["secrets"]

    def port(self, name: str, *, prefer: int | None = None, ours: bool = False) -> int:
        """The port of that name. One that a stranger has taken meanwhile is replaced.

        `ours` says that what listens there is our own process, so the port stays.
        """
        known = self._ports.get(name)
        if known is not None and (ours or is_free(known)):
            return known
        self._ports[name] = free_port(prefer=prefer, avoid=self._ports.values())
        self._save()
        return self._ports[name]

    def secret(self, name: str) -> str:
        """A random secret of letters and digits, safe in URLs, shells and configuration files."""
        if name not in self._secrets:
            self._secrets[name] = secrets.token_hex(SECRET_BYTES)
            self._save()
        return self._secrets[name]

    def _save(self) -> None:
        """A new file put in the place of the old: never half written, never readable by others."""
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"ports": self._ports, "secrets": self._secrets}, file, indent=1)
        fresh.replace(self._path)

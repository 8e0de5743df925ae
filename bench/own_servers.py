"""A management command of the benchmark, run on durable servers that nothing else uses."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

from bench.beside import ROOT
from bench.servers import durable_servers
from stack.errors import StackError

HOME = ROOT / "var" / "bench"


def manage(*command: str) -> int:
    """`manage.py …` with `bench.settings` and those servers' addresses; its exit code."""
    print("Starting servers", flush=True)
    try:
        with durable_servers(HOME) as servers:
            return subprocess.run(
                [sys.executable, "manage.py", *command],
                cwd=ROOT,
                env=_environment(servers.environment),
                check=False,
            ).returncode
    except StackError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _environment(addresses: dict[str, str]) -> dict[str, str]:
    return {
        **os.environ,
        **addresses,
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "DJANGO_SECRET_KEY": secrets.token_hex(40),
    }

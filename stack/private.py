"""`./run servers FOLDER`: a PostgreSQL, a Redis and a RabbitMQ for a project of somebody's own."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from stack.notebook import Notebook
from stack.services import Services, private_services


def start(folder: Path) -> None:
    """Start what does not run; print where all are, for `eval "$(…)"`. Raises `StackError`."""
    services = servers_in(folder)
    stopped = [server.name for server in services if not server.running]
    if stopped:
        print("· Starting " + ", ".join(stopped), file=sys.stderr)
    services.start()
    for name, value in services.environment.items():
        print(f"export {name}={shlex.quote(value)}")


def stop(folder: Path) -> None:
    """Harmless when nothing runs. Raises `StackError`."""
    servers_in(folder, only_looks=True).stop()
    print(f"· Stopped. Their data stays in {folder}", file=sys.stderr)


def servers_in(folder: Path, *, only_looks: bool = False) -> Services:
    """The servers whose data and passwords are in the folder, as tests have theirs."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)  # the servers' account must pass
    notebook = Notebook(folder / "notebook.json")
    return private_services(folder / "servers", notebook, only_looks=only_looks)

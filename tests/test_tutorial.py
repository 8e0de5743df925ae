"""docs/tutorial.md: what it says to type is typed, and what it says one sees is seen."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from stack.layout import ROOT
from stack.ports import free_port
from stack.services import Services
from stack.waiting import wait_until

PAGE = (ROOT / "docs" / "tutorial.md").read_text()
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (?P<name>[\w/]+\.py)(?P<at_the_end>: add this at its end)?\n")
DATABASE = "tutorial"
# The tests have a virtual environment; `tests/tasks/test_lifting.py` holds what the page installs.
SKIPPED = ("python3 -m venv", "pip install", "export SHOP=")
# What only looks may be asked again until it shows what the page shows.
LOOKS = ("python manage.py jobs", "grep")
PATIENCE_S = 20.0
END = "--- done: "

# The admin that the page sends one to: it needs nothing of the shop's.
ADMIN = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
import django
from django.conf import settings
django.setup()
settings.ALLOWED_HOSTS = ["testserver"]
from django.contrib.auth.models import User
from django.test import Client
from tasks.models import Job
client = Client()
client.force_login(User.objects.create_superuser("ann"))
jobs = "/admin/tasks/job/"
pages = [jobs, f"{jobs}{Job.objects.first().pk}/change/", "/admin/tasks/effect/"]
pages += ["/admin/tasks/lock/", "/admin/tasks/auditentry/", "/admin/"]
print([client.get(page).status_code for page in pages])
"""


@dataclass(frozen=True)
class Command:
    text: str
    shown: str

    def shows(self, output: str) -> bool:
        """Whether the lines of the page stand in the output, one below the other."""
        lines = iter(output.splitlines())
        wanted = [line for line in self.shown.splitlines() if line.strip("… ")]
        return all(any(_fits(line, found) for found in lines) for line in wanted)


def _fits(wanted: str, found: str) -> bool:
    """Spaces are as wide as they like; `…` is anything."""
    parts = [r"\s+".join(map(re.escape, part.split())) for part in wanted.split("…")]
    return bool(re.search(".*".join(parts), found))


def commands(block: str) -> list[Command]:
    typed = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [Command(*each.split("\n", 1)) for each in typed]


class Terminal:
    """A bash with job control, as a person has one."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.errors = folder / "errors.log"
        with self.errors.open("w") as errors:
            self.bash = subprocess.Popen(
                ["bash", "--norc"],
                cwd=folder,
                env=variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self.run("set -m")

    def type(self, command: Command) -> None:
        output = ""

        def matches() -> bool:
            nonlocal output
            output = self.run(command.text)
            return command.shows(output)

        with suppress(TimeoutError):
            patience_s = PATIENCE_S if command.text.startswith(LOOKS) else 0
            wait_until(matches, timeout_s=patience_s)
            return
        pytest.fail(f"{command.text}\n{output}\nis not\n{command.shown}\n{self.errors.read_text()}")

    def run(self, text: str) -> str:
        assert self.bash.stdin is not None
        assert self.bash.stdout is not None
        self.bash.stdin.write(f"{text}\necho '{END}'$?\n")
        self.bash.stdin.flush()
        lines: list[str] = []
        for line in self.bash.stdout:
            if line.startswith(END):
                return "".join(lines)
            lines.append(line)
        pytest.fail(f"The shell ended at {text}: {self.errors.read_text()}")

    def close(self) -> None:
        """End what is left of what was started in it."""
        for pid in self.run("jobs -p").split():
            with suppress(ProcessLookupError):
                os.killpg(int(pid), signal.SIGKILL)
        self.bash.kill()
        self.bash.communicate()


@pytest.fixture
def database() -> Iterator[str]:
    """Its name; the project's tables must not meet the shop's."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {DATABASE}")
        yield DATABASE
        server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


@pytest.fixture
def terminal(tmp_path: Path, database: str, empty_services: Services) -> Iterator[Terminal]:
    clone = tmp_path / "clone"
    clone.mkdir()
    shutil.copytree(ROOT / "tasks", clone / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    write_run(clone / "run", database)
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    terminal = Terminal(
        tmp_path,
        {
            **kept,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SHOP": str(clone),
            "CARRIER_PORT": str(port),
            "CARRIER_URL": f"http://127.0.0.1:{port}",
        },
    )
    yield terminal
    terminal.close()


def write_run(path: Path, database: str) -> None:
    """In the place of `./run`: it names the servers of this test run, which nobody stops."""
    address = urlsplit(os.environ["DATABASE_URL"])
    variables = {
        "DATABASE_URL": urlunsplit(address._replace(path=f"/{database}")),
        "REDIS_URL": os.environ["REDIS_URL"],
        "CELERY_BROKER_URL": os.environ["CELERY_BROKER_URL"],
    }
    exports = "".join(f"echo \"export {name}='{value}'\"\n" for name, value in variables.items())
    path.write_text(f'#!/bin/sh\n[ "$*" != "servers var" ] || {{\n{exports}}}\n')
    path.chmod(0o755)


def test_given_the_tutorial_when_typed_then_one_sees_what_it_shows(
    terminal: Terminal, tmp_path: Path
) -> None:
    project = tmp_path / "parcels"
    for language, block in BLOCK.findall(PAGE):
        if language == "python":
            save(project, block)
            continue
        for command in commands(block):
            if not command.text.startswith(SKIPPED):
                terminal.type(command)
    assert terminal.run(f"python -c '{ADMIN}'") == "[200, 200, 200, 200, 200, 200]\n"
    asked = (project / "carrier.log").read_text().splitlines()
    assert [each for each in asked if each.endswith("201")] == [
        f"POST parcel:{number}:book 201" for number in (1, 2, 3)
    ]


def test_given_the_line_that_installs_then_the_file_that_it_names_exists() -> None:
    [named] = re.findall(r"^\$ pip install .*-r (\S+)$", PAGE, re.MULTILINE)

    assert (ROOT / named).is_file()


def save(project: Path, block: str) -> None:
    marked = FILE.match(block)
    assert marked, f"Say which file this is: {block[:80]}"
    file = project / marked["name"]
    with file.open("a" if marked["at_the_end"] else "w") as opened:
        opened.write(block)

"""The README's word about `tasks/`: the project on that page can be built, is checked and runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from stack.worker import environment
from tests.running import ROOT, Runner, consumers

DATABASE = "readme_example"
BLOCK = re.compile(r"^```python\n# ([\w/]+\.py)\b(.*?)^```$", re.MULTILINE | re.DOTALL)

# What the page leaves to the reader, whose project and app it is.
OWN_SETTINGS = """
import environ

SECRET_KEY = "example"
DATABASES = {"default": environ.Env().db_url("DATABASE_URL")}
INSTALLED_APPS = ["news", "django.contrib.auth", "django.contrib.contenttypes"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
"""
OWN_FILES = {
    "news/__init__.py": "",
    "news/models.py": """
from django.db import models


class Letter(models.Model):
    title = models.CharField(max_length=80)
    readers = models.IntegerField(default=0)
    archived = models.BooleanField(default=False)
""",
    "news/provider.py": """
def send(title, idempotency_key):
    return {"sent": title, "key": idempotency_key}


def find(key):
    return None
""",
    "manage.py": """
import os, sys

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
from django.core.management import execute_from_command_line

execute_from_command_line(sys.argv)
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The README's blocks as files, with a copy of `tasks/` beside them."""
    home = tmp_path / "project"
    shutil.copytree(ROOT / "tasks", home / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    blocks = dict(BLOCK.findall((ROOT / "README.md").read_text()))
    blocks["mysite/settings.py"] = OWN_SETTINGS + "#" + blocks["mysite/settings.py"]
    for name, text in {**{name: "#" + text for name, text in blocks.items()}, **OWN_FILES}.items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(text)
    return home


@pytest.fixture
def variables() -> Iterator[dict[str, str]]:
    """The environment of the project's processes, with a database of its own."""
    address = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(address.geturl(), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {DATABASE}")
        yield {
            "DATABASE_URL": urlunsplit(address._replace(path=f"/{DATABASE}")),
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
        }
        server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def manage(project: Path, variables: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=project,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_given_the_readmes_project_then_it_passes_its_checks(
    project: Path, variables: dict[str, str]
) -> None:
    assert "no issues" in manage(project, variables, "check", "--fail-level", "WARNING")
    manage(project, variables, "makemigrations", "tasks", "--check", "--dry-run")


def test_given_the_readmes_project_then_its_jobs_run(
    project: Path,
    variables: dict[str, str],
    runner: Runner,
    wait_until: Callable[..., object],
) -> None:
    manage(project, variables, "makemigrations", "news")
    manage(project, variables, "migrate", "--verbosity", "0")
    manage(project, variables, "declare_queues")
    there = ["env", f"--chdir={project}", sys.executable]
    runner.start("dispatcher", [*there, "manage.py", "dispatch_jobs"], env=variables)
    runner.start(
        "worker",
        [*there, "-m", "celery", "-A", "mysite", "worker", "-Q", "default,mail", "-c", "1"],
        ready=lambda _: consumers("mail") > 0,
        env=environment(variables),
    )

    manage(project, variables, "shell", "--command", CALLS)
    with psycopg.connect(variables["DATABASE_URL"], autocommit=True) as ledger:
        wait_until(lambda: query(ledger, "SELECT state FROM tasks_job") == [("succeeded",)] * 3)
        sent = {"sent": "Spring", "key": "letter:1:send"}
        assert query(ledger, "SELECT result FROM tasks_effect") == [(sent,)]
        assert query(ledger, "SELECT readers, archived FROM news_letter") == [(1, True)]


CALLS = """
from news.tasks import count_reader, rebuild_archive
from news.writing import write

letter = write(title="Spring")
count_reader.delay(letter.pk)
rebuild_archive.delay()
"""


def query(ledger: psycopg.Connection, text: LiteralString) -> list[tuple[Any, ...]]:
    return ledger.execute(text).fetchall()

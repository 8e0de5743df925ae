"""`tasks/` in a project that is not ours: what it imports, and what it says of missing parts."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stack.layout import ROOT

REQUIREMENTS = (ROOT / "tasks" / "requirements.txt").read_text()
# For prometheus-client, django-redis and OpenTelemetry, which who wants these modules has anyway.
OPTIONAL = {
    "tasks.prometheus",
    "tasks.locks.prometheus",
    "tasks.locks.django_redis",
    "tasks.telemetry",
}

SETTINGS = """
SECRET_KEY = "x"
ROOT_URLCONF = "bare"
urlpatterns = []
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.{database}", "NAME": "x"}}}}
INSTALLED_APPS = {apps!r}
{rest}
"""
PLAIN = ["django.contrib.auth", "django.contrib.contenttypes"]

TASK = """
from celery import Celery, shared_task

app = Celery("news")
app.set_default()


@shared_task(name="news.send")
def send():
    pass
"""

# Imports every module, in a process that knows none of the packages that are named to it.
IMPORT_ALL = """
import pkgutil, sys

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"{name} is not in tasks/requirements.txt")

sys.meta_path.insert(0, Refused())
import django
django.setup()
import tasks
for module in pkgutil.walk_packages(tasks.__path__, "tasks."):
    if module.name not in OPTIONAL:
        __import__(module.name)
print("imported", sorted(sys.modules).count("tasks.worker"))
"""


def listed() -> list[Requirement]:
    lines = [line.partition("#")[0].strip() for line in REQUIREMENTS.splitlines()]
    return [Requirement(line) for line in lines if line]


def closure() -> set[str]:
    """The distributions that the listed ones bring along."""
    found: set[str] = set()
    waiting = [(each.name, extra) for each in listed() for extra in ("", *each.extras)]
    while waiting:
        name, extra = waiting.pop()
        found.add(canonicalize_name(name))
        for line in importlib.metadata.requires(name) or []:
            needed = Requirement(line)
            if needed.marker and not needed.marker.evaluate({"extra": extra}):
                continue
            if canonicalize_name(needed.name) not in found:
                waiting += [(needed.name, each) for each in ("", *needed.extras)]
    return found


def strangers() -> Iterator[str]:
    """Top-level modules that are installed here and don't come with `tasks/requirements.txt`."""
    known = closure()
    for module, owners in importlib.metadata.packages_distributions().items():
        if not {canonicalize_name(each) for each in owners} & known:
            yield module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "tasks", tmp_path / "tasks")
    return tmp_path


def python(project: Path, *arguments: str, settings: str) -> subprocess.CompletedProcess[str]:
    (project / "bare.py").write_text(settings)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "bare", "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )


def check(project: Path, *, apps: list[str], database: str = "postgresql", rest: str = "") -> str:
    settings = SETTINGS.format(apps=apps, database=database, rest=rest)
    done = python(project, "-m", "django", "check", "--tag", "jobs", settings=settings)
    assert done.returncode != 0
    return done.stderr


def found(said: str) -> list[str]:
    return sorted(set(re.findall(r"\(jobs\.([EW]\d+)\)", said)))


def test_given_the_requirements_then_they_are_those_that_the_shop_is_tested_with() -> None:
    tested = {
        str(Requirement(line.partition("#")[0]))
        for line in (ROOT / "requirements.in").read_text().splitlines()
        if line and not line.startswith("#")
    }

    assert {str(each) for each in listed()} <= tested


def test_given_only_the_requirements_then_every_module_can_be_imported(project: Path) -> None:
    apps = [*PLAIN, "unfold", "django.contrib.admin", "django_celery_beat", "tasks"]
    settings = SETTINGS.format(apps=apps, database="postgresql", rest="")
    program = f"REFUSED = {set(strangers())!r}\nOPTIONAL = {OPTIONAL!r}\n{IMPORT_ALL}"

    done = python(project, "-c", program, settings=settings)

    assert done.stdout == "imported 1\n", done.stderr


def test_given_a_project_that_sets_nothing_then_the_check_says_what_is_missing(
    project: Path,
) -> None:
    said = check(project, apps=[*PLAIN, "django_celery_beat", "tasks"], database="sqlite3")

    assert found(said) == ["E001", "E012", "E013", "E015"]
    assert "Set LOCKS_REDIS_URL (or LOCKS_CLIENT): where do the locks live?" in said
    assert "Set DATABASES to a PostgreSQL" in said
    assert 'Add "django.contrib.postgres" to INSTALLED_APPS' in said
    assert "Make a Celery app" in said


def test_given_a_celery_app_that_sets_nothing_then_the_check_says_what_is_missing(
    project: Path,
) -> None:
    (project / "news.py").write_text(TASK)

    said = check(
        project,
        apps=[*PLAIN, "django.contrib.postgres", "django_celery_beat", "tasks"],
        rest='LOCKS_REDIS_URL = "redis://x"\nimport news',
    )

    assert found(said) == ["E002", "E003", "E005", "E007", "E008", "E009", "E010"]
    assert 'The task news.send is no JobTask: make the app with Celery(task_cls="tasks' in said


def test_given_an_admin_without_its_look_then_the_check_says_what_is_missing(
    project: Path,
) -> None:
    apps = [*PLAIN, "django.contrib.admin", "unfold", "django_celery_beat", "tasks"]

    said = check(project, apps=apps, rest='LOCKS_REDIS_URL = "redis://x"\nLOCKS_TTL = 3')

    assert found(said)[:1] == ["E001"]
    assert 'Put "unfold" into INSTALLED_APPS before "django.contrib.admin"' in said
    assert 'Add "django.contrib.humanize" to INSTALLED_APPS' in said
    assert "LOCKS_TTL is not a setting" in said


def test_given_an_admin_without_celery_beat_then_a_sentence_says_so(project: Path) -> None:
    said = check(project, apps=["django.contrib.admin", *PLAIN, "tasks"])

    assert re.search(r'ImproperlyConfigured: Add "django_celery_beat" to INSTALLED_APPS', said)

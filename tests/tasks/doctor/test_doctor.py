"""The whole examination: green on a sound house, and a sentence for each server that is down."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from stack.services import Services
from tasks.doctor import CHECKS, examine
from tests.running import Runner
from tests.tasks.doctor.conftest import said
from tests.tasks.running_jobs import scheduled

pytestmark = pytest.mark.django_db(transaction=True)


def run(*args: str) -> tuple[str, str]:
    """What the command prints, and the error that it ends with."""
    out = StringIO()
    try:
        call_command("doctor", *args, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def test_a_sound_house_is_healthy(runner: Runner) -> None:
    runner.start_dispatcher()
    runner.start_worker(("checkout", "stock", "email", "default"))
    runner.start_beat()
    page, error = run()
    assert error == "", page
    assert page.count("✓") == len(CHECKS)
    assert f"All {len(CHECKS)} checks are well" in page
    record = json.loads(run("--json")[0])
    assert record["healthy"] is True


@pytest.mark.usefixtures("empty_services")
def test_an_ill_house_is_named_and_ends_with_an_error() -> None:
    scheduled()  # and no beat
    page, error = run()
    assert "✗  One beat runs the schedules" in page
    assert "→ Start one: celery" in page
    assert "checks found a problem" in error
    record: dict[str, Any] = json.loads(run("--json")[0])
    [beat] = [each for each in record["checks"] if each["check"] == "beat"]
    assert (record["healthy"], beat["healthy"]) == (False, False)
    assert beat["problems"][0]["do"]


@pytest.mark.parametrize(
    ("server", "sentence"),
    [
        ("redis", "Redis can't be asked"),
        ("rabbitmq", "RabbitMQ can't be asked"),
        ("postgres", "PostgreSQL can't be asked"),
    ],
)
def test_a_server_that_is_down_is_said_and_the_others_are_examined(
    services: Services, server: str, sentence: str
) -> None:
    getattr(services, server).stop()
    try:
        results = examine()
    finally:
        services.start()
    assert len(results) == len(CHECKS)
    assert any(sentence in said(iter(each.problems)) for each in results)
    assert any(each.healthy for each in results)

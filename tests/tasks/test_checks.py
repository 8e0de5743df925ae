from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app, shared_task
from kombu import Queue
from pytest_django.fixtures import Settings

from tasks.checks import check_jobs
from tests.tasks import sample_tasks

Change = Callable[..., None]


def found() -> set[str]:
    return {str(message.id) for message in check_jobs(None)}


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


def test_the_shops_own_settings_are_safe() -> None:
    assert sample_tasks.MODULE  # its tasks are registered and checked too
    assert found() == set()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"task_acks_late": False}, "jobs.E002"),
        ({"task_reject_on_worker_lost": False}, "jobs.E002"),
        ({"task_ignore_result": False}, "jobs.E002"),
        ({"task_always_eager": True}, "jobs.W001"),
        ({"broker_transport_options": {"read_timeout": 3}}, "jobs.E003"),
        ({"accept_content": ["json", "pickle"]}, "jobs.E004"),
        ({"task_serializer": "pickle"}, "jobs.E004"),
        ({"task_time_limit": None}, "jobs.E005"),
        ({"task_time_limit": 3600}, "jobs.E005"),
        ({"task_soft_time_limit": 1200}, "jobs.E006"),
        ({"task_create_missing_queues": True}, "jobs.E007"),
    ],
)
def test_an_unsafe_option_is_refused(change: Change, options: Any, expected: str) -> None:
    change(**options)
    assert found() == {expected}


def test_an_unknown_setting_of_ours_is_refused(settings: Settings) -> None:
    settings.JOBS_NO_SUCH = 1
    assert found() == {"jobs.E001"}


def test_a_queue_that_can_lose_messages_is_refused() -> None:
    queues = current_app.amqp.queues
    dict.__setitem__(queues, "loose", Queue("loose"))
    try:
        assert found() == {"jobs.E008"}
    finally:
        dict.__delitem__(queues, "loose")


def test_a_route_to_a_queue_that_is_not_there_is_refused(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(task_routes={"sample.add": {"queue": "nowhere"}})
    monkeypatch.setattr(current_app.amqp, "_rtable", None)  # both are kept once they are made
    monkeypatch.delitem(vars(current_app.amqp), "router")
    assert found() == {"jobs.E011"}
    del current_app.amqp.router


def test_a_task_without_a_name_or_with_early_acknowledgement_is_refused() -> None:
    def body() -> None: ...

    for options, expected in (
        ({}, "jobs.W002"),
        ({"name": "sample.early", "acks_late": False}, "jobs.E010"),
    ):
        task = shared_task(**options)(body)  # type: ignore[call-overload]
        name = task.name
        try:
            assert found() == {expected}
        finally:
            del current_app.tasks[name]


@pytest.mark.parametrize("value", ["30", None, True, 0, float("nan")])
def test_a_lock_setting_of_a_wrong_kind_is_refused(settings: Settings, value: object) -> None:
    settings.LOCKS_GRANT_S = value

    (error,) = check_jobs(None)

    assert error.id == "jobs.E001"
    assert "LOCKS_GRANT_S must be a number above 0" in error.msg

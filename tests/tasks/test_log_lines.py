from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tasks.context import CurrentJob, calling, running
from tasks.log_lines import JobFields, JsonLines
from tasks.models import Job
from tests.running import Runner
from tests.tasks import sample_tasks
from tests.tasks.conftest import WaitUntil
from tests.tasks.sample_tasks import fail

JOB = CurrentJob(
    id=uuid4(), attempt=3, task="t", correlation_id="req-1", worker="w", subject="order:42"
)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a logger writes as JSON."""

    def write(work: Callable[[logging.Logger], object], formatter: Any = None) -> str:
        out = io.StringIO()
        handler = logging.StreamHandler(out)
        handler.addFilter(JobFields())
        handler.setFormatter(formatter or JsonLines())
        logger = logging.getLogger("some.module")
        monkeypatch.setattr(logger, "handlers", [handler])
        monkeypatch.setattr(logger, "propagate", False)
        logger.setLevel(logging.INFO)
        work(logger)
        return out.getvalue()

    return write


def test_a_line_of_a_job_says_which(written: Callable[..., str]) -> None:
    with running(JOB):
        line = json.loads(written(lambda log: log.warning("%s of %s", 1, 2)))
    assert line["message"] == "1 of 2"
    assert (line["level"], line["logger"]) == ("WARNING", "some.module")
    assert {name: line[name] for name in ("job_id", "task", "attempt", "subject")} == {
        "job_id": str(JOB.id),
        "task": "t",
        "attempt": 3,
        "subject": "order:42",
    }
    assert line["correlation_id"] == "req-1"
    assert line["time"].endswith("+00:00")


def test_a_line_of_a_request_has_its_correlation_id(written: Callable[..., str]) -> None:
    with calling(name="user:3", correlation_id="req-2"):
        line = json.loads(written(lambda log: log.info("hello")))
    assert line["correlation_id"] == "req-2"
    assert "job_id" not in line


def test_errors_and_strange_values_stay_on_one_line(written: Callable[..., str]) -> None:
    def work(log: logging.Logger) -> None:
        try:
            raise ValueError("it\nbroke")
        except ValueError:
            log.exception("with %r", object())

    text = written(work)
    assert text.count("\n") == 1
    assert "ValueError: it\nbroke" in json.loads(text)["error"]


def test_a_plain_line_names_the_job_too(written: Callable[..., str]) -> None:
    plain = logging.Formatter("%(name)s:%(job)s %(message)s")
    with running(JOB):
        text = written(lambda log: log.info("hello"), plain)
    assert f"job_id={JOB.id} task=t attempt=3 subject=order:42 correlation_id=req-1 hello" in text
    assert written(lambda log: log.info("hello"), plain) == "some.module: hello\n"


@pytest.mark.django_db(transaction=True)
def test_a_worker_writes_the_request_that_its_job_comes_from(
    runner: Runner, wait_until: WaitUntil
) -> None:
    env = {"LOG_FORMAT": "json"}
    runner.start_dispatcher(env=env)
    worker = runner.start_worker(include=[sample_tasks.MODULE], env=env)
    with calling(name="guest", correlation_id="req-of-a-guest"):
        job_id = fail.apply_async(("a",), subject="order:7").id
    wait_until(lambda: Job.objects.get(pk=job_id).state == "dead")

    def lines(logger: str) -> list[dict[str, Any]]:
        written = [each for each in worker.output.splitlines() if each.startswith("{")]
        found = [line for line in map(json.loads, written) if line.get("job_id") == job_id]
        return [line for line in found if line["logger"] == logger]

    wait_until(lambda: len(lines(sample_tasks.MODULE)) == 3)
    told = lines(sample_tasks.MODULE)
    assert {line["correlation_id"] for line in told} == {"req-of-a-guest"}
    assert {line["subject"] for line in told} == {"order:7"}
    assert [line["attempt"] for line in told] == [1, 2, 3]
    assert lines("celery.app.trace")[0]["task"] == "sample.fail"

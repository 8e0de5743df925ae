from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tasks import jobs, statistics
from tasks.models import AuditEntry, Job, JobState
from tests.tasks.running_jobs import running, scheduled, state_of

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = StringIO()
    call_command("jobs", *args, stdout=out)
    return out.getvalue()


def read(*args: str) -> Any:
    return json.loads(run(*args, "--json"))


def dead(error: str = "ValueError: it broke", **columns: Any) -> UUID:
    job = running(**columns)
    jobs.fail(job, error=error, traceback="Traceback: line 3")
    return job.id


def test_a_list_shows_the_newest_that_meet_its_conditions() -> None:
    mine, other = dead(), scheduled()
    page = run("list", "--state", "dead", "--error", "BROKE")
    assert str(mine) in page
    assert "ValueError: it broke" in page
    assert str(other) not in page
    assert [each["id"] for each in read("list", "--argument", "a", "--limit", "1")] == [str(other)]
    assert read("list", "--since", "1h", "--until", "30m") == []


def test_a_list_is_no_wider_than_its_page() -> None:
    dead("GatewayError: " + "a long story " * 20)
    lines = run("list").splitlines()
    assert max(map(len, lines)) <= 100
    assert "id" in lines[0]


def test_one_job_is_shown_with_its_attempts_and_traceback() -> None:
    job_id = dead()
    page = run("show", str(job_id))
    for part in (str(job_id), "sample.note", "w@here:1", "ValueError: it broke", "line 3"):
        assert part in page
    record = read("show", str(job_id))
    assert (record["state"], record["attempts"][0]["outcome"]) == ("dead", "dead")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", str(uuid4())], "No job"),
        (["show", "42"], "is no job's id"),
        (["retry", str(uuid4())], "No job was changed"),
        (["retry"], "Give either ids or conditions"),
        (["list", "--since", "yesterday"], "is no time"),
        (["priority", str(uuid4()), "--to", "12"], "between 0 and 9"),
        (["watch", "--json"], "for people"),
    ],
)
def test_an_error_is_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)


def test_deeds_on_single_jobs_are_done_and_on_record() -> None:
    first, second, later = dead(), dead(), scheduled(countdown=600)
    assert "1 of 1 jobs changed" in run("retry", str(first), "--reason", "mended")
    assert read("discard", str(second)) == {"matched": 1, "changed": 1, "job": None}
    run("run", str(later))
    run("priority", str(later), "--to", "8")
    run("cancel", str(later))
    assert [state_of(each) for each in (first, second, later)] == [
        "scheduled",
        "discarded",
        "cancelled",
    ]
    entries = list(AuditEntry.objects.order_by("pk"))
    assert [each.action for each in entries] == [
        "job.retry",
        "job.discard",
        "job.run_now",
        "job.reprioritise",
        "job.cancel",
    ]
    assert entries[0].actor.startswith("manage.py:")
    assert entries[0].reason == "mended"


def test_a_deed_on_many_is_done_when_the_answer_is_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    job_id, asked = dead(), list[str]()
    monkeypatch.setattr("builtins.input", answering("yes", asked))
    run("retry", "--task", "sample.note", "--like", "ValueError: it broke")
    assert asked == ["retry 1 jobs? Type yes: "]
    assert state_of(job_id) == JobState.SCHEDULED


@pytest.mark.parametrize("typed", ["no", None])
def test_a_deed_on_many_is_not_done_otherwise(
    monkeypatch: pytest.MonkeyPatch, typed: str | None
) -> None:
    job_id = dead()
    monkeypatch.setattr("builtins.input", answering(typed, []))
    with pytest.raises(CommandError, match="1 jobs are meant"):
        run("retry", "--task", "sample.note")
    assert state_of(job_id) == JobState.DEAD


def answering(typed: str | None, asked: list[str]) -> Callable[[str], str]:
    def answer(question: str) -> str:
        asked.append(question)
        if typed is None:
            raise EOFError
        return typed

    return answer


def test_with_yes_nothing_is_asked() -> None:
    ids = [dead() for _ in range(3)]
    assert read("retry", "--state", "dead", "--yes") == {"matched": 3, "changed": 3, "job": None}
    assert {state_of(each) for each in ids} == {JobState.SCHEDULED}


def test_dead_jobs_are_grouped_by_error() -> None:
    dead("ValueError: order 17")
    newest = dead("ValueError: order 4711")
    page = run("dead")
    assert "ValueError: order <n>" in page
    assert str(newest) in page
    [group] = read("dead")
    assert (group["count"], group["error"]) == (2, "ValueError: order <n>")
    assert run("dead", "--queue", "email").strip() == "No dead jobs."


def test_statistics_by_task_and_by_queue() -> None:
    jobs.succeed(running(), result=None)
    dead()
    statistics.roll_up()
    assert "sample.note" in run("stats")
    [row] = read("stats", "--by", "queue", "--window", "24h")
    assert (row["queue"], row["succeeded"], row["dead"]) == ("default", 1, 1)
    assert row["failure_rate"] == 0.5
    Job.objects.all().delete()


def test_watching_shows_queues_and_numbers() -> None:
    jobs.succeed(running(), result=None)
    statistics.roll_up()
    page = run("watch", "--times", "2", "--every", "0.01")
    assert "checkout" in page
    assert "sample.note" in page


def test_a_paused_job_shows_as_such() -> None:
    Job.objects.filter(pk=scheduled()).update(held=True, run_at=timezone.now())
    assert "paused" in run("list")


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_tells_what_a_retry_would_do() -> None:
    job_id = dead()
    page = run("dry-run", str(job_id))
    assert "It would succeed." in page
    assert "tasks_effect" in page and "inserted" in page
    assert read("dry-run", str(job_id))["result"] == "a"
    assert state_of(job_id) == JobState.DEAD
    with pytest.raises(CommandError, match="needs no retry"):
        run("dry-run", str(scheduled()))
    with pytest.raises(CommandError, match="No job"):
        run("dry-run", str(uuid4()))

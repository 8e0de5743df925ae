from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from celery import current_app, shared_task
from django.db import connection, transaction

from tasks import dry_run as dry_runs
from tasks import effects
from tasks.context import current_job
from tasks.dry_run import Ending, dry_run
from tasks.errors import NothingToRehearse
from tasks.locks import lock
from tasks.models import AuditEntry, Job, JobState, PausedQueue
from tasks.outcomes import Permanent, Snooze
from tasks.task import JobTask
from tests.tasks.running_jobs import running, scheduled

pytestmark = pytest.mark.django_db(transaction=True)


@shared_task(name="dry.writes", base=JobTask, atomic=False)
def writes() -> str:
    """Every way to write a row, and one that leaves it as it was."""
    with transaction.atomic(durable=True):
        PausedQueue.objects.create(queue="made", paused_by="a")
        with transaction.atomic():
            PausedQueue.objects.filter(queue="changed").update(reason="after")
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM tasks_pausedqueue WHERE queue = 'gone'")
            cursor.execute("UPDATE tasks_pausedqueue SET reason = 'same' WHERE queue = 'same'")
    PausedQueue.objects.create(queue="made and gone", paused_by="a").delete()
    return "done"


@shared_task(name="dry.ends", base=JobTask)
def ends(how: str) -> None:
    PausedQueue.objects.create(queue="rolled back with the error", paused_by="a")
    if how == "dead":
        raise Permanent("no such parcel")
    if how == "snoozed":
        raise Snooze(7, "too early")
    raise ValueError("not now")


@shared_task(name="dry.asks", base=JobTask, atomic=False)
def asks() -> None:
    def call() -> dict[str, Any]:
        raise AssertionError("called in a dry run")

    PausedQueue.objects.create(queue="before the question", paused_by="a")
    effects.perform(key="x:1", kind="x", params={}, call=call, look_up=call)


@shared_task(name="dry.phones", base=JobTask)
def phones(port: int) -> None:
    socket.create_connection(("127.0.0.1", port)).close()


@shared_task(name="dry.locks", base=JobTask, atomic=False)
def locks() -> dict[str, Any]:
    with lock("shelf", wait=0) as held:
        held.check()
        job = current_job()
        assert job is not None
        return {"attempt": job.attempt}


@shared_task(name="dry.dawdles", base=JobTask)
def dawdles() -> None:
    while True:
        PausedQueue.objects.exists()


def dead(task: Any, *args: Any) -> UUID:
    job_id = UUID(task.delay(*args).id)
    Job.objects.filter(pk=job_id).update(state=JobState.DEAD)
    return job_id


def test_rows_are_seen_however_they_were_written_and_none_is_written() -> None:
    for name in ("changed", "gone", "same"):
        PausedQueue.objects.create(queue=name, paused_by="a", reason="same")
    before = list(PausedQueue.objects.order_by("queue").values())

    found = dry_run(dead(writes), actor="user:1")

    assert list(PausedQueue.objects.order_by("queue").values()) == before
    assert found.ending == Ending.SUCCEEDED and found.result == "done"
    changes = {row.key: (row.kind, row.before.get("reason"), row.after.get("reason"))
               for row in found.rows}  # fmt: skip
    assert changes == {
        "made": ("inserted", None, ""),
        "changed": ("updated", "same", "after"),
        "gone": ("deleted", "same", None),
    }


def test_what_others_write_meanwhile_is_not_taken_for_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted, done = threading.Event(), threading.Event()

    def body() -> None:
        PausedQueue.objects.create(queue="mine", paused_by="a")
        wanted.set()
        assert done.wait(30)

    def somebody_else() -> None:
        assert wanted.wait(30)
        PausedQueue.objects.create(queue="theirs", paused_by="b")
        connection.close()
        done.set()

    threading.Thread(target=somebody_else).start()

    monkeypatch.setattr(current_app.tasks["dry.writes"], "run", body)

    found = dry_run(dead(writes), actor="user:1")

    assert [row.key for row in found.rows] == ["mine"]
    assert PausedQueue.objects.get().queue == "theirs"


@pytest.mark.parametrize(
    ("how", "ending", "error"),
    [
        ("dead", Ending.DEAD, "Permanent: no such parcel"),
        ("snoozed", Ending.SNOOZED, "Snooze: too early"),
        ("retried", Ending.RETRIED, "ValueError: not now"),
    ],
)
def test_an_error_is_judged_as_the_tasks_policy_does(how: str, ending: str, error: str) -> None:
    found = dry_run(dead(ends, how), actor="user:1")
    assert (found.ending, found.error) == (ending, error)
    assert found.rows == ()
    assert (found.wait_s == 7) == (how == "snoozed")
    assert ("in ends" in found.traceback) == (how != "snoozed")


def test_an_effect_without_a_rehearsal_ends_it_and_what_came_before_is_shown() -> None:
    found = dry_run(dead(asks), actor="user:1")
    assert found.ending == Ending.UNKNOWN
    assert "It would ask about x:1 now" in found.error
    assert [row.key for row in found.rows] == ["before the question"]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


def test_nothing_is_sent_past_the_effects(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    found = dry_run(dead(phones, port), actor="user:1")
    assert found.ending == Ending.UNKNOWN and "past the effects" in found.error
    with pytest.raises(BlockingIOError):
        listener.accept()
    socket.create_connection(("127.0.0.1", port)).close()  # in real life it may


def test_locks_are_pretended_so_that_nobody_waits_for_a_dry_run() -> None:
    job_id = dead(locks)
    with lock("shelf", wait=0):
        found = dry_run(job_id, actor="user:1")
    assert found.result == {"attempt": 1}
    assert found.locks == (("lock:shelf",),)


def test_it_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_runs, "LIMIT_S", 0.2)
    found = dry_run(dead(dawdles), actor="user:1")
    assert found.ending == Ending.UNKNOWN and "too long" in found.error


def test_only_a_job_that_ended_without_success_is_tried_and_it_is_on_record() -> None:
    with pytest.raises(NothingToRehearse, match="scheduled"):
        dry_run(scheduled(), actor="user:1")
    with pytest.raises(NothingToRehearse, match="running"):
        dry_run(running().id, actor="user:1")
    assert not AuditEntry.objects.exists()
    job_id = dead(writes)
    dry_run(job_id, actor="user:1")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject) == ("job.dry_run", f"job:{job_id}")
    Job.objects.filter(pk=job_id).update(task="no.such")
    with pytest.raises(NothingToRehearse, match="Nobody knows"):
        dry_run(job_id, actor="user:1")

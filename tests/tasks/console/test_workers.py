from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from tasks import workers
from tasks.models import AuditEntry, Job, JobState, Worker
from tests.running import Runner
from tests.tasks import sample_tasks
from tests.tasks.conftest import WaitUntil
from tests.tasks.console.pages import actor, client_with, words
from tests.tasks.running_jobs import let_lease_lapse, running
from tests.tasks.sample_tasks import hold, marks

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/tasks/job/workers/"


def told(name: str = "w@here", *, seconds_ago: float = 0, **facts: object) -> Worker:
    """A worker's row, as its last beat left it."""
    now = timezone.now()
    defaults = {
        "host": "here", "pid": 7, "started_at": now - timedelta(hours=2), "queues": ["default"],
        "pool": "prefork", "concurrency": 2, "prefetch": 8, "memory_bytes": 90 * 2**20,
        "pool_memory_bytes": 160 * 2**20, "jobs_done": 1234, "stopping": False,
        "seen_at": now - timedelta(seconds=seconds_ago),
    }  # fmt: skip
    return Worker.objects.create(name=name, **{**defaults, **facts})


def stop_url(name: str = "w@here") -> str:
    return f"{PAGE}stop/?worker={name}"


def test_given_a_worker_at_work_then_it_shows_what_it_is_and_what_it_runs() -> None:
    told()
    job = running(worker="w@here:8")
    Job.objects.filter(pk=job.id).update(subject="order:7")
    shown = words(client_with("view_worker", "view_job").get(PAGE))
    assert "w@here here, pid 7 at work up 2 h 0 min default prefork × 2 holds up to 8" in shown
    assert "90.0 MB + 160.0 MB 1,234 1" in shown.replace("\xa0", " ")
    assert "sample.note order:7 1" in shown and "w@here, pid 8" in shown
    assert "Stop…" not in shown


def test_a_worker_that_went_silent_is_gone_and_its_leases_show_until_they_are_rescued() -> None:
    told(seconds_ago=60)
    told("done@here", seconds_ago=60, ended_at=timezone.now())
    told("old@here", seconds_ago=7200)
    job = running(worker="w@here:8")
    let_lease_lapse(job)
    shown = words(client_with("view_worker", "stop_worker").get(PAGE))
    assert "w@here here, pid 7 gone for 1 min 0 s" in shown
    assert "sample.note – 1" in shown and "lapsed" in shown
    assert "done@here" not in shown and "old@here" not in shown
    assert "Stop…" not in shown  # nobody is there to hear it


def test_given_no_beat_ever_then_jobs_still_name_their_worker() -> None:
    running(worker="mute@there:9")
    assert "mute@there never heard of" in words(client_with("view_worker").get(PAGE))
    Job.objects.update(state=JobState.SUCCEEDED)
    assert "No worker is here" in words(client_with("view_worker").get(PAGE))


def test_a_viewer_may_not_stop_and_a_look_stops_nothing() -> None:
    told()
    viewer = client_with("view_worker", "view_job")
    assert viewer.get(stop_url()).status_code == 403
    assert viewer.post(stop_url(), {"reason": "x"}).status_code == 403
    assert client_with("view_job").get(PAGE).status_code == 403
    operator = client_with("view_worker", "stop_worker")
    assert "it is a restart" in words(operator.get(f"{stop_url()}&reason=x"))
    assert operator.post(stop_url(), {"reason": ""}).status_code == 400
    assert operator.get(stop_url("nobody")).status_code == 404
    assert Worker.objects.get().stop_asked_at is None
    assert not AuditEntry.objects.exists()


def test_stopping_is_asked_once_and_is_on_record() -> None:
    told()
    operator = client_with("view_worker", "stop_worker")
    answer = operator.post(stop_url(), {"reason": "it leaks"}, follow=True)
    assert "w@here is asked to stop" in words(answer)
    again = operator.post(stop_url(), {"reason": "it leaks"}, follow=True)
    assert "Nothing was done" in words(again)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == (actor(), "worker.stop")
    assert (entry.subject, entry.reason) == ("worker:w@here", "it leaks")


def test_rows_of_long_gone_workers_are_forgotten() -> None:
    told("long@gone", seconds_ago=2 * 86_400)
    told()
    assert workers.forget_old() == 1
    assert Worker.objects.get().name == "w@here"


def test_given_a_real_worker_when_stopped_then_its_job_ends_and_it_is_gone(
    runner: Runner, signals: redis.Redis, wait_until: WaitUntil
) -> None:
    runner.start_dispatcher()
    process = runner.start_worker(
        include=[sample_tasks.MODULE], env={"WORKER_SOFT_SHUTDOWN_TIMEOUT_S": "2"}
    )
    hold.delay("last")
    assert signals.blpop(["reached:last"], timeout=30)
    client = client_with("view_worker", "stop_worker", "view_job")

    (row,) = Worker.objects.all()
    assert (row.pid, row.queues, row.concurrency) == (process.pid, ["default"], 1)
    assert row.memory_bytes and row.pool_memory_bytes
    assert "sample.hold" in words(client.get(PAGE))

    client.post(stop_url(row.name), {"reason": "a new release"})
    wait_until(lambda: "asked this worker to stop" in process.output)
    signals.rpush("go:last", 1)
    wait_until(lambda: not process.alive)

    assert Job.objects.get(task="sample.hold").state == JobState.SUCCEEDED
    assert marks("last") == 1
    row.refresh_from_db()
    assert row.ended_at and row.stopping
    assert "No worker is here" in words(client.get(PAGE))

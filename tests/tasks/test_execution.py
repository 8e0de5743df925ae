"""Jobs in a real worker: how they end, and what of their work stays."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
import redis
from celery import chain

from tasks import jobs
from tasks.models import Attempt, Job, JobState
from tests.running import Running
from tests.tasks.conftest import WaitUntil
from tests.tasks.sample_tasks import add, end, fail, hold, marks, note, watch

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("dispatcher", "worker"),
]


def job(result: object) -> Job:
    return Job.objects.get(pk=result.id)  # type: ignore[attr-defined]


def outcomes(result: object) -> list[str]:
    found = Attempt.objects.filter(job=result.id)  # type: ignore[attr-defined]
    return list(found.order_by("number").values_list("outcome", flat=True))


def test_each_end_is_what_the_task_said(all_ended: Callable[..., None]) -> None:
    done, failed = note.delay("done"), fail.delay("failed")
    ends = {how: end.delay(how) for how in ("snooze", "retry", "permanent", "cancel", "memory")}
    later = note.apply_async(("later",), countdown=0.3)
    links = chain(add.s(1, 2), add.s(3), add.s(4))()
    all_ended()

    assert (job(done).state, job(done).result, marks("done")) == (JobState.SUCCEEDED, "done", 1)
    assert (job(failed).state, job(failed).failures) == (JobState.DEAD, 3)
    assert "ValueError: it broke" in job(failed).error
    assert "sample_tasks.py" in job(failed).traceback
    assert (outcomes(failed), marks("failed")) == (["retry", "retry", "dead"], 0)
    assert (job(ends["snooze"]).state, job(ends["snooze"]).failures) == (JobState.SUCCEEDED, 0)
    assert outcomes(ends["snooze"]) == ["snoozed", "snoozed", "snoozed", "succeeded"]
    assert outcomes(ends["retry"]) == ["retry", "succeeded"]
    assert (job(ends["permanent"]).state, job(ends["permanent"]).attempt) == (JobState.DEAD, 1)
    assert job(ends["cancel"]).state == JobState.CANCELLED
    assert job(ends["memory"]).state == JobState.DEAD
    ran_after = job(later)
    assert ran_after.started_at is not None
    assert ran_after.started_at >= ran_after.run_at
    assert (job(links).state, job(links).result) == (JobState.SUCCEEDED, 10)


def test_running_out_of_memory_does_not_end_the_worker(
    worker: Running, wait_until: WaitUntil
) -> None:
    sick = end.delay("bare memory")
    wait_until(lambda: job(sick).failures == 1)
    jobs.cancel(UUID(sick.id))
    Job.objects.filter(pk=sick.id).update(state="scheduled", failures=7, cancel_requested=False)
    wait_until(lambda: job(sick).state == JobState.DEAD)
    healthy = note.delay("healthy")
    wait_until(lambda: job(healthy).state == JobState.SUCCEEDED)
    assert worker.alive


def test_two_workers_on_one_job_leave_one_effect(
    signals: redis.Redis, all_ended: Callable[..., None]
) -> None:
    result = hold.delay("twice")
    assert signals.blpop(["reached:twice"], timeout=30)
    # The message comes a second time, as after a cut connection, while the first run goes on.
    Job.objects.filter(pk=result.id).update(lease_until="2020-01-01T00:00Z")
    jobs.take_over_lapsed(batch=10)
    assert signals.blpop(["reached:twice"], timeout=30)
    signals.rpush("go:twice", 1, 1)
    all_ended()
    assert job(result).state == JobState.SUCCEEDED
    assert marks("twice") == 1
    assert sorted(outcomes(result)) == ["crashed", "succeeded"]


def test_a_running_job_shows_its_progress_and_can_be_cancelled(wait_until: WaitUntil) -> None:
    result = watch.delay("movie")
    wait_until(lambda: (job(result).progress_done or 0) > 0)
    assert job(result).progress_note == "watching"
    assert jobs.cancel(UUID(result.id))
    wait_until(lambda: job(result).state == JobState.CANCELLED)


def test_a_long_job_keeps_its_lease(signals: redis.Redis, wait_until: WaitUntil) -> None:
    result = hold.delay("long")
    assert signals.blpop(["reached:long"], timeout=30)
    first = job(result).lease_until
    assert first is not None
    wait_until(lambda: (job(result).lease_until or first) > first)
    signals.rpush("go:long", 1)
    wait_until(lambda: job(result).state == JobState.SUCCEEDED)
    assert (job(result).attempt, job(result).crashes) == (1, 0)


def test_a_foreign_message_is_adopted_and_run(wait_until: WaitUntil) -> None:
    app = note.app
    sent = app.send_task("sample.note", ("stranger",), queue="default")
    wait_until(lambda: Job.objects.filter(pk=sent.id, state=JobState.SUCCEEDED).exists())
    assert job(sent).enqueued_by == "foreign message"
    assert marks("stranger") == 1

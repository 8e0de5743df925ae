"""A house in which something on a job's way is missing, and the check that must say what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from celery.app import app_or_default
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tasks import queues
from tasks.dispatcher import Dispatcher
from tasks.doctor import flow
from tasks.models import Job, JobState
from tasks.schedules import Turn
from tests.running import Runner, waiting
from tests.tasks.conftest import WaitUntil
from tests.tasks.doctor.conftest import Change, said
from tests.tasks.running_jobs import let_lease_lapse, queued, running, scheduled
from tests.tasks.sample_tasks import note

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_services")]


def grow_old() -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    Job.objects.filter(state=JobState.QUEUED).update(queued_at=long_ago)


def schedule(task: str) -> None:
    every, _ = IntervalSchedule.objects.get_or_create(every=1, period="minutes")
    PeriodicTask.objects.create(name="a", task=task, interval=every)


def test_jobs_on_their_way_are_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduled(countdown=600)
    scheduled()
    running()
    for check in (flow.routes, flow.dispatcher, flow.leases, flow.depths, flow.second_beat):
        assert said(check()) == ""


def test_a_job_for_a_queue_that_is_not_declared() -> None:
    Job.objects.filter(pk=scheduled()).update(queue="nowhere")
    assert "1 jobs are for the queue 'nowhere'" in said(flow.routes())


def test_a_task_that_is_routed_to_no_queue(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    change(task_routes={"sample.add": {"queue": "nowhere"}})
    monkeypatch.setattr(current_app.amqp, "_rtable", None)  # both are kept once they are made
    monkeypatch.delitem(vars(current_app.amqp), "router", raising=False)
    try:
        assert "The task sample.add is routed to a queue" in said(flow.routes())
    finally:
        del current_app.amqp.router


def test_a_due_job_that_nobody_dispatches() -> None:
    Job.objects.filter(pk=scheduled()).update(run_at=timezone.now() - timedelta(minutes=5))
    assert "nobody has dispatched it" in said(flow.dispatcher())


def test_a_queue_without_a_worker(runner: Runner) -> None:
    queued()
    assert "1 jobs wait in 'default', and no worker takes from it" in said(flow.workers())
    runner.start_worker()
    assert said(flow.workers()) == ""


def test_a_paused_queue_needs_no_worker_and_is_a_hint() -> None:
    queued()
    queues.pause(queue="default", actor="user:3", reason="repairs")
    assert said(flow.workers()) == ""
    [hint] = flow.pauses()
    assert "by user:3 (repairs)" in hint.what
    assert not hint.serious


@pytest.mark.django_db(transaction=True)
def test_messages_that_are_missing(wait_until: WaitUntil) -> None:
    note.delay("a")
    Dispatcher(app_or_default()).round()
    wait_until(lambda: waiting("default") == 1)
    grow_old()
    assert said(flow.depths()) == ""
    with current_app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        channel.queue_purge("default")
    assert "1 jobs have long been queued in 'default', and RabbitMQ holds 0" in said(flow.depths())


@pytest.mark.django_db(transaction=True)
def test_messages_that_nobody_needs(wait_until: WaitUntil) -> None:
    for _ in range(3):
        note.delay("a")
    Dispatcher(app_or_default()).round()
    wait_until(lambda: waiting("default") == 3)
    Job.objects.update(state=JobState.SUCCEEDED)
    [hint] = flow.depths(surplus=2)
    assert "RabbitMQ holds 3 messages in 'default' for 0 jobs" in hint.what
    assert not hint.serious


def test_a_vanished_worker_that_nobody_looks_for() -> None:
    let_lease_lapse(running())
    assert "1 running jobs have lost their worker" in said(flow.leases())


def test_no_beat() -> None:
    assert "No beat runs" in said(flow.beat())
    turn = Turn()
    turn.wait()
    try:
        assert said(flow.beat()) == ""
    finally:
        turn.close()


def test_a_second_beat_of_another_kind() -> None:
    schedule("sample.note")
    scheduled(slot="a@1")
    for _ in range(2):
        scheduled()
    assert said(flow.second_beat()) == ""
    scheduled()
    assert "3 jobs of the scheduled task sample.note came without a slot" in said(
        flow.second_beat()
    )


def test_a_beat_whose_turn_nobody_keeps(change: Change) -> None:
    change(beat_scheduler="celery.beat:PersistentScheduler")
    assert "two beats would run everything twice" in said(flow.second_beat())

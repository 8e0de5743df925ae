"""What breaks in production, done on purpose. After each, every job has ended once and for all."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from celery import current_app
from celery.app import app_or_default
from django.db import connection, transaction

from stack.services import Services
from tasks import topology
from tasks.enqueue import enqueue_many
from tasks.jobs import Envelope
from tasks.models import Job, JobState
from tasks.publisher import Publisher
from tests.running import Runner, Running, waiting
from tests.tasks import sample_tasks
from tests.tasks.conftest import QUICK, WaitUntil
from tests.tasks.sample_tasks import add, hold, marks, note, poison

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("dispatcher")]

CROWD = 120


def crowd(name: str) -> list[UUID]:
    return enqueue_many(note, [((name,), {}) for _ in range(CROWD)])


def assert_all_ran_once(name: str, count: int = CROWD) -> None:
    """Each job succeeded and its transaction was committed once, no matter how often it began."""
    ends = Job.objects.filter(args__0=name).values_list("state", flat=True)
    assert sorted(set(ends)) == [JobState.SUCCEEDED]
    assert len(ends) == count
    assert marks(name) == count


def test_kill_9_of_a_pool_child_in_mid_job(
    worker: Running, signals: redis.Redis, all_ended: Callable[..., None]
) -> None:
    hold.delay("child")
    reached = signals.blpop(["reached:child"], timeout=30)
    assert reached
    kill(int(reached[1]))
    assert signals.blpop(["reached:child"], timeout=30), "the job was not delivered again"
    signals.rpush("go:child", 1)
    all_ended()
    assert_all_ran_once("child", 1)


def test_kill_9_of_a_whole_worker_in_mid_job(
    runner: Runner, worker: Running, signals: redis.Redis, all_ended: Callable[..., None]
) -> None:
    hold.delay("worker")
    crowd("beside")
    assert signals.blpop(["reached:worker"], timeout=30)
    worker.kill()
    runner.start_worker(concurrency=2, include=[sample_tasks.MODULE], env=QUICK)
    assert signals.blpop(["reached:worker"], timeout=30), "the job was not delivered again"
    signals.rpush("go:worker", 1)
    all_ended()
    assert_all_ran_once("worker", 1)
    assert_all_ran_once("beside")


def test_a_stopped_worker_that_wakes_up_late_changes_nothing(
    runner: Runner, worker: Running, signals: redis.Redis, all_ended: Callable[..., None]
) -> None:
    hold.delay("asleep")
    assert signals.blpop(["reached:asleep"], timeout=30)
    worker.freeze()
    runner.start_worker(concurrency=1, include=[sample_tasks.MODULE], env=QUICK)
    assert signals.blpop(["reached:asleep"], timeout=60), "the job was not rescued"
    signals.rpush("go:asleep", 1, 1)
    all_ended()
    worker.thaw()
    follower = note.delay("after")
    all_ended()
    assert Job.objects.get(pk=follower.id).state == JobState.SUCCEEDED
    assert_all_ran_once("asleep", 1)


def test_the_broker_stops_and_comes_back(
    services: Services, worker: Running, all_ended: Callable[..., None], wait_until: WaitUntil
) -> None:
    crowd("before")
    wait_until(lambda: marks("before") > 0)
    services.rabbitmq.stop()
    crowd("meanwhile")  # accepted while there is no broker
    assert Job.objects.filter(args__0="meanwhile").count() == CROWD
    services.rabbitmq.start()
    all_ended()
    assert_all_ran_once("before")
    assert_all_ran_once("meanwhile")


def test_the_broker_is_wiped_in_mid_run(
    runner: Runner,
    services: Services,
    worker: Running,
    all_ended: Callable[..., None],
    wait_until: WaitUntil,
) -> None:
    crowd("wiped")
    wait_until(lambda: marks("wiped") > 0)
    services.rabbitmq.wipe()
    all_ended()
    assert_all_ran_once("wiped")


def test_a_queue_that_a_crash_of_the_broker_broke_is_made_anew(
    services: Services, worker: Running, all_ended: Callable[..., None]
) -> None:
    """RabbitMQ 3.10 keeps half of a quorum queue that is declared in the second before a kill."""
    services.rabbitmq.wipe()
    with current_app.connection_for_write() as broker:
        topology.declare(app_or_default(), broker)
    services.rabbitmq.kill()
    services.rabbitmq.start()
    crowd("mended")
    all_ended()
    assert_all_ran_once("mended")


def test_postgres_is_restarted_whatever_the_dispatcher_does(
    services: Services, dispatcher: Running, worker: Running, all_ended: Callable[..., None]
) -> None:
    """Idle and at work: it waits for the database and goes on."""
    for name in ("idle", "at work"):
        if name == "at work":
            crowd("before the restart")
        connection.close()
        services.postgres.restart()
        crowd(name)
    all_ended()
    assert dispatcher.alive
    for name in ("idle", "before the restart", "at work"):
        assert_all_ran_once(name)


def test_redis_is_flushed_and_stopped_in_mid_run(
    services: Services, worker: Running, all_ended: Callable[..., None], wait_until: WaitUntil
) -> None:
    crowd("flushed")
    with services.redis.client() as client:
        client.flushall()
    services.redis.stop()
    crowd("silent")  # nobody hears the wake-up; the dispatcher polls
    all_ended()
    assert_all_ran_once("flushed")
    assert_all_ran_once("silent")


def test_every_message_comes_three_times(worker: Running, all_ended: Callable[..., None]) -> None:
    ids = crowd("thrice")
    publisher = Publisher(app_or_default())
    envelopes = [envelope(job_id) for job_id in ids]
    for _ in range(2):
        assert not publisher.publish(envelopes).refused
    publisher.close()
    all_ended()
    assert_all_ran_once("thrice")


def test_a_poisonous_job_dies_alone(worker: Running, all_ended: Callable[..., None]) -> None:
    crowd("good")
    bad = poison.delay()
    crowd("good too")
    all_ended()
    dead = Job.objects.get(pk=bad.id)
    assert (dead.state, dead.crashes) == (JobState.DEAD, 3)
    assert_all_ran_once("good")
    assert_all_ran_once("good too")


def test_a_killed_dispatcher_loses_nothing(
    runner: Runner, dispatcher: Running, worker: Running, all_ended: Callable[..., None]
) -> None:
    crowd("orphans")
    dispatcher.kill()
    crowd("later")
    runner.start_dispatcher(env=QUICK)
    all_ended()
    assert_all_ran_once("orphans")
    assert_all_ran_once("later")


def test_a_worker_that_is_asked_to_stop_gives_its_job_back_unharmed(
    runner: Runner, signals: redis.Redis, all_ended: Callable[..., None]
) -> None:
    impatient = {**QUICK, "WORKER_SOFT_SHUTDOWN_TIMEOUT_S": "1"}
    first = runner.start_worker(include=[sample_tasks.MODULE], env=impatient)
    result = hold.delay("moved")
    assert signals.blpop(["reached:moved"], timeout=30)
    first.stop()
    runner.start_worker(include=[sample_tasks.MODULE], env=QUICK)
    assert signals.blpop(["reached:moved"], timeout=30)
    signals.rpush("go:moved", 1, 1)
    all_ended()
    assert_all_ran_once("moved", 1)
    assert Job.objects.get(pk=result.id).crashes == 0


def test_what_nobody_can_read_becomes_a_dead_job(worker: Running, wait_until: WaitUntil) -> None:
    strange = str(uuid4())
    headers = {"id": strange, "task": "sample.note", "lang": "py"}
    with current_app.connection_for_write() as broker:
        producer = broker.Producer(serializer=None)
        json, pickle = "application/json", "application/x-python-serialize"
        send: dict[str, Any] = {
            "exchange": "",
            "routing_key": "default",
            "content_encoding": "utf-8",
        }
        producer.publish("{no json", content_type=json, headers=headers, **send)
        producer.publish(b"\x80\x04.", content_type=pickle, headers=headers | ids(), **send)
        producer.publish("[[], {}]", content_type=json, headers={"lang": "py"}, **send)
        producer.publish("7", content_type=json, headers=headers | ids(), **send)
        producer.publish(
            "[[], {}, {}]", content_type=json, headers=headers | ids(task="no.such"), **send
        )
    wait_until(lambda: Job.objects.filter(state=JobState.DEAD).count() == 5, timeout_s=60)
    assert Job.objects.get(pk=strange).error.startswith("The message can't be read")
    assert Job.objects.filter(error="No task 'no.such' is registered.").exists()
    assert waiting("parking") == 0
    healthy = note.delay("healthy")
    wait_until(lambda: Job.objects.get(pk=healthy.id).state == JobState.SUCCEEDED)


def test_a_job_whose_task_is_gone_is_dead_and_visible(
    worker: Running, all_ended: Callable[..., None]
) -> None:
    with transaction.atomic():  # or the dispatcher is quicker than the update
        orphan = add.delay(1, 2)
        Job.objects.filter(pk=orphan.id).update(task="sample.removed")
    all_ended()
    row = Job.objects.get(pk=orphan.id)
    assert (row.state, row.error) == (JobState.DEAD, "No task 'sample.removed' is registered.")


def ids(**more: str) -> dict[str, str]:
    return {"id": str(uuid4()), **more}


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def envelope(job_id: UUID) -> Envelope:
    return Envelope(
        id=job_id,
        task="sample.note",
        queue="default",
        args='["thrice"]',
        kwargs="{}",
        priority=0,
        failures=0,
        correlation_id="",
        parent_id=None,
        options={},
    )

"""Lost messages are found by counting, and a queue that is merely long is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from amqp.exceptions import NotFound
from celery import current_app
from celery.app import app_or_default
from django.utils import timezone

from stack.services import Services
from tasks import jobs, topology
from tasks.conf import conf
from tasks.dispatcher import Dispatcher
from tasks.enqueue import enqueue_many
from tasks.models import Job, JobState
from tasks.publisher import Publisher
from tasks.rescue import rescue
from tests.running import Runner, waiting
from tests.tasks.conftest import WaitUntil
from tests.tasks.running_jobs import let_lease_lapse, running, state_of
from tests.tasks.sample_tasks import note

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_services")]

COUNT = 50


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    publisher = Publisher(app_or_default())
    yield publisher
    publisher.close()


@pytest.fixture
def queued() -> None:
    """COUNT jobs with a message each, queued long enough to be missed."""
    enqueue_many(note, [((str(n),), {}) for n in range(COUNT)])
    assert Dispatcher(app_or_default()).round() is False
    assert waiting("default") == COUNT
    grow_old()


def grow_old() -> None:
    long_ago = timezone.now() - timedelta(seconds=conf().republish_after_s + 1)
    Job.objects.filter(state=JobState.QUEUED).update(queued_at=long_ago)


def test_a_long_queue_is_left_alone(queued: None, publisher: Publisher) -> None:
    assert rescue(publisher).lost == []


def test_as_many_as_are_missing_are_published_again(queued: None, publisher: Publisher) -> None:
    with current_app.connection_for_write() as broker:
        channel: Any = broker.default_channel
        for _ in range(7):
            channel.basic_get("default", no_ack=True)
    assert len(rescue(publisher).lost) == 7


def test_after_a_wipe_everything_is_published_again(queued: None, publisher: Publisher) -> None:
    with current_app.connection_for_write() as broker:
        channel: Any = broker.default_channel
        channel.queue_purge("default")
    lost = rescue(publisher).lost
    assert len({envelope.id for envelope in lost}) == COUNT
    assert not publisher.publish(lost).refused
    grow_old()
    assert rescue(publisher).lost == []


def test_what_was_just_published_is_not_missed_yet(publisher: Publisher) -> None:
    note.delay("a")
    jobs.take_due(batch=9)  # marked as queued; its dispatcher died before it sent it
    assert rescue(publisher).lost == []
    grow_old()
    assert len(rescue(publisher).lost) == 1


def test_a_silent_workers_job_is_found(publisher: Publisher) -> None:
    job = running()
    let_lease_lapse(job)
    assert rescue(publisher).lapsed == 1
    assert state_of(job) == JobState.SCHEDULED


def test_an_unroutable_batch_goes_back_and_the_queues_are_declared(
    services: Services, publisher: Publisher
) -> None:
    publisher.connect()
    services.rabbitmq.wipe()
    note.delay("a")
    batch = jobs.take_due(batch=9)
    receipt = publisher.publish(batch)
    assert receipt.unroutable == {batch[0].id}
    assert not receipt.confirmed
    jobs.unpublish(receipt.unroutable)
    publisher.close()
    Dispatcher(app_or_default()).round()
    assert waiting("default") == 1


def test_a_parking_queue_that_is_gone_is_declared_again(
    runner: Runner, wait_until: WaitUntil
) -> None:
    runner.start_dispatcher()
    with current_app.connection_for_write() as broker:
        channel: Any = broker.default_channel
        channel.queue_delete(topology.PARKING_QUEUE.name)

    def declared() -> bool:
        with current_app.connection_for_write() as broker, suppress(NotFound):
            channel: Any = broker.default_channel
            channel.queue_declare(topology.PARKING_QUEUE.name, passive=True)
            return True
        return False

    wait_until(declared)


def test_a_job_for_a_queue_that_nobody_declares_is_dead() -> None:
    job_id = note.delay("a").id
    Job.objects.filter(pk=job_id).update(queue="nowhere")
    Dispatcher(app_or_default()).round()
    row = Job.objects.get(pk=job_id)
    assert (row.state, row.error) == (JobState.DEAD, "No queue 'nowhere' is declared.")

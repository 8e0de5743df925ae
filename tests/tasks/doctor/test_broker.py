"""A broker that is broken in one way each time, and the check that must say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import current_app

from stack.services import Services
from tasks import topology
from tasks.doctor import broker
from tests.emptying import empty_queues
from tests.running import waiting
from tests.tasks.doctor.conftest import said

pytestmark = pytest.mark.usefixtures("empty_services")


@contextmanager
def channel() -> Iterator[Any]:
    with current_app.connection_for_write(connect_timeout=5) as connection:
        yield connection.default_channel


@pytest.fixture
def mended(services: Services) -> Iterator[Services]:
    """The broker may be broken; it is made anew afterwards."""
    yield services
    services.rabbitmq.wipe()
    empty_queues(services)


def test_a_sound_broker_has_no_problem_and_is_left_as_it_was() -> None:
    for check in (broker.confirms, broker.dead_letters, broker.queues):
        assert said(check()) == ""
    for name in (*current_app.amqp.queues, topology.PARKING_QUEUE.name):
        assert waiting(name) == 0


def test_a_broker_that_confirms_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., object]
) -> None:
    monkeypatch.setattr(broker, "ANSWER_S", 1.0)
    services.rabbitmq.ctl("set_vm_memory_high_watermark", "0.0000001")
    try:
        # RabbitMQ looks at its memory now and then.
        wait_until(lambda: "did not confirm a message" in said(broker.confirms()))
    finally:
        services.rabbitmq.ctl("set_vm_memory_high_watermark", "0.4")


def test_no_parking_queue_and_no_exchange(mended: Services) -> None:
    with channel() as it:
        it.queue_delete("parking")
        it.exchange_delete("dead-letters")
    found = said(broker.dead_letters())
    assert "no exchange 'dead-letters' and no queue 'parking'" in found


def test_a_parking_queue_that_is_not_bound(mended: Services) -> None:
    with channel() as it:
        it.queue_unbind("parking", "dead-letters")
    assert "not bound" in said(broker.dead_letters())


def test_a_missing_queue(mended: Services) -> None:
    with channel() as it:
        it.queue_delete("email")
    assert "no queue 'email'" in said(broker.queues())


@pytest.mark.parametrize(
    "changed",
    [
        {"x-delivery-limit": 3},
        {"x-dead-letter-exchange": "elsewhere"},
        {"x-dead-letter-strategy": "at-most-once"},
    ],
)
def test_a_queue_with_other_settings(mended: Services, changed: dict[str, Any]) -> None:
    queue = current_app.amqp.queues["email"]
    with channel() as it:
        it.queue_delete("email")
        it.queue_declare(
            "email",
            durable=True,
            auto_delete=False,
            arguments={**(queue.queue_arguments or {}), **changed},
        )
    found = said(broker.queues())
    assert "'email' has other settings" in found
    assert "delete_queue email" in found

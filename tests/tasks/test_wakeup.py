from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from stack.ports import free_port
from stack.services import Services
from tasks.wakeup import Listener, wake_on_commit

pytestmark = pytest.mark.django_db(transaction=True)

SOON_S = 5.0
LONG_S = 60.0


@pytest.fixture
def listener(settings: Settings, services: Services) -> Iterator[Listener]:
    settings.JOBS_REDIS_URL = services.redis.url
    listener = Listener()
    listener.wait(0.01)  # subscribes
    yield listener
    listener.stop()


def seconds_asleep(listener: Listener) -> float:
    started = time.monotonic()
    listener.wait(LONG_S)
    return time.monotonic() - started


def test_a_commit_wakes_and_a_rollback_does_not(listener: Listener) -> None:
    with transaction.atomic():
        wake_on_commit()
        transaction.set_rollback(True)
    started = time.monotonic()
    listener.wait(0.3)
    assert time.monotonic() - started >= 0.3
    with transaction.atomic():
        wake_on_commit()
    assert seconds_asleep(listener) < SOON_S


def test_a_transaction_rings_once_however_much_it_enqueues() -> None:
    with transaction.atomic():
        for _ in range(100):
            wake_on_commit()
        assert len(connection.run_on_commit) == 1


def test_stopping_ends_the_sleep(listener: Listener) -> None:
    threading.Timer(0.2, listener.stop).start()
    assert seconds_asleep(listener) < SOON_S


def test_a_redis_that_is_down_or_hangs_costs_a_commit_next_to_nothing(
    settings: Settings, services: Services
) -> None:
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    settings.JOBS_REDIS_URL = nobody
    assert seconds_for_ten_commits() < SOON_S
    process = services.redis.process
    assert process is not None
    settings.JOBS_REDIS_URL = services.redis.url + "?client_name=hanging"
    os.kill(process.pid, signal.SIGSTOP)
    try:
        assert seconds_for_ten_commits() < SOON_S
    finally:
        os.kill(process.pid, signal.SIGCONT)


def seconds_for_ten_commits() -> float:
    started = time.monotonic()
    for _ in range(10):
        with transaction.atomic():
            wake_on_commit()
    return time.monotonic() - started


def test_a_dispatcher_without_redis_polls(settings: Settings) -> None:
    settings.JOBS_REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    listener = Listener()
    started = time.monotonic()
    listener.wait(0.2)
    assert 0.2 <= time.monotonic() - started < SOON_S

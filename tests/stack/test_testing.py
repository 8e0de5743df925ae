"""The kit that other tests stand on: servers that come back, processes that start and stop."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection

from stack.services import Services
from tests.emptying import empty_queues
from tests.running import Running, consumers, waiting


def test_given_servers_when_asked_then_all_answer(services: Services) -> None:
    assert [server.ready() for server in services] == [True, True, True]


def test_given_a_worker_when_started_then_it_consumes_and_stops_when_asked(
    start_worker: Callable[..., Running],
) -> None:
    worker = start_worker(queues=["default", "stock"], concurrency=2)

    assert consumers("default") == 1
    assert consumers("stock") == 1
    assert len(worker.children()) == 2
    assert worker.stop()
    assert not worker.alive


def test_given_a_killed_worker_then_its_children_are_gone_too(
    start_worker: Callable[..., Running], wait_until: Callable[..., object]
) -> None:
    worker = start_worker()

    worker.kill()

    assert not worker.alive
    wait_until(lambda: consumers("default") == 0)


def test_given_a_dispatcher_and_two_beats_then_one_beat_waits(
    start_dispatcher: Callable[..., Running], start_beat: Callable[..., Running]
) -> None:
    dispatcher = start_dispatcher()
    beat = start_beat()
    spare = start_beat(spare=True)

    assert dispatcher.stop()
    assert spare.alive
    assert beat.stop()


def test_given_processes_then_they_see_the_test_database(
    start_dispatcher: Callable[..., Running], wait_until: Callable[..., object]
) -> None:
    name = connection.settings_dict["NAME"]

    start_dispatcher()

    wait_until(lambda: others_connected_to(name) >= 1, what="the dispatcher's connection")


def others_connected_to(database: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [database],
        )
        return int(cursor.fetchone()[0])


def test_given_queues_that_a_kill_broke_then_the_next_test_gets_whole_ones(
    empty_services: Services,
) -> None:
    empty_services.rabbitmq.wipe()
    empty_queues(empty_services)
    empty_services.rabbitmq.kill()
    empty_services.rabbitmq.start()

    empty_queues(empty_services)

    assert "checkout" in empty_services.rabbitmq.queues()
    assert waiting("checkout") == 0


def test_given_a_worker_killed_just_now_then_the_next_one_is_not_waited_for_in_vain(
    start_worker: Callable[..., Running],
) -> None:
    """The broker may count the dead one's consumers for a moment."""
    for _ in range(3):
        start_worker().kill()

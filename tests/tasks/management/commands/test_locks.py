"""`manage.py locks` on a real Redis."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings
from redis import Redis

from stack.services import Services
from tasks.locks import Locker, LockLost, lock
from tasks.locks.default import default_locker
from tasks.locks.reporting import reporter
from tasks.models import AuditEntry
from tests.tasks.locks.crowd import in_line

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis(services: Services) -> Iterator[Redis]:
    """The Redis of the settings, empty."""
    with services.redis.client() as client:
        client.flushall()
        yield client


def run(*args: str) -> str:
    out = StringIO()
    call_command("locks", *args, stdout=out)
    return out.getvalue()


def test_given_locks_and_waiters_then_a_table_shows_them(redis: Redis) -> None:
    def wait() -> None:
        Locker(default_locker().client).lock("stock:1", wait=5).release()

    held = lock("stock:1")
    with in_line(redis, "stock:1", wait) as [waiter]:
        page = run()
    held.release()
    waiter.result()

    row, place = (line for line in page.splitlines() if "pid" in line)
    assert row.startswith("stock:1") and f"pid {os.getpid()}" in row and str(held.token) in row
    assert place.strip().startswith("1.") and "waiting" in place
    assert "1 held, 1 waiting." in page


def test_given_json_then_programs_can_read_it(redis: Redis) -> None:
    with lock("stock:1") as held:
        told = json.loads(run("--json"))

    [shown] = told["locks"]
    assert told["complete"] is True
    assert (shown["key"], shown["waiting"]) == ("stock:1", 0)
    assert shown["holders"][0]["owner"]["token"] == held.token


def test_given_a_part_of_a_key_then_only_such_locks_show(redis: Redis) -> None:
    with lock("stock:1"):
        assert "0 held" in run("order:")
        assert "1 held" in run("tock")


@pytest.mark.parametrize("json_too", [(), ("--json",)])
def test_given_a_release_then_it_is_done_and_on_record(
    redis: Redis, json_too: tuple[str, ...]
) -> None:
    held = lock("stock:1")
    told = run("--release", "stock:1", "--reason", "stuck", *json_too)

    assert f"pid {os.getpid()}" in told or json.loads(told)["key"] == "stock:1"
    with pytest.raises(LockLost):
        held.release()
    entry = AuditEntry.objects.get()
    assert entry.actor.startswith("manage.py:")
    assert (entry.action, entry.subject, entry.reason) == ("lock.release", "lock:stock:1", "stuck")


def test_given_nobody_holds_it_when_released_then_it_says_so_and_nothing_is_on_record(
    redis: Redis,
) -> None:
    with pytest.raises(CommandError, match="Nobody holds stock:1"):
        run("--release", "stock:1")
    assert not AuditEntry.objects.exists()


def test_given_redis_is_down_then_it_says_so(settings: Settings) -> None:
    settings.LOCKS_REDIS_URL = "redis://127.0.0.1:1/0"
    for arguments in ([], ["--release", "stock:1"]):
        with pytest.raises(CommandError, match="Redis did not answer"):
            run(*arguments)


def test_given_metrics_then_those_of_all_processes_show(redis: Redis) -> None:
    reporter.finish()
    redis.flushall()
    lock("stock:1").release()
    reporter.report()

    lines = [line.split() for line in run("--metrics").splitlines()]
    assert ["acquired", "1"] in lines
    assert any(line[:1] == ["wait"] and line[-1] == "ms" for line in lines)
    assert json.loads(run("--metrics", "--json"))["acquired"] == 1

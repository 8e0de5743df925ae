from __future__ import annotations

import pytest
from django.db import connection
from prometheus_client import CollectorRegistry

from stack.services import Services
from tasks import jobs, prometheus, queues, statistics
from tasks.models import Effect, Job
from tasks.prometheus import LedgerCollector
from tests.tasks.running_jobs import let_lease_lapse, queued, running, scheduled

pytestmark = pytest.mark.django_db


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(LedgerCollector())
    return registry


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_jobs_are_counted_by_queue_and_state(registry: CollectorRegistry) -> None:
    running()
    queued()
    scheduled()
    scheduled(countdown=600)
    jobs.fail(running(), error="e", traceback="")
    queues.pause(queue="email", actor="user:3")
    found = {
        state: value(registry, "jobs", queue="default", state=state)
        for state in ("later", "due", "queued", "running", "dead")
    }
    # running() has the dispatcher take what is due
    assert found == {"later": 1, "due": 0, "queued": 2, "running": 1, "dead": 1}
    assert value(registry, "jobs_dead", queue="default", task="sample.note") == 1
    assert value(registry, "jobs_queue_paused", queue="email") == 1
    assert value(registry, "jobs_queue_paused", queue="default") == 0
    assert value(registry, "jobs_ledger_up") == 1


def test_what_is_late_or_wrong_shows(registry: CollectorRegistry) -> None:
    assert value(registry, "jobs_dispatch_lag_seconds") == 0
    let_lease_lapse(running())
    Job.objects.filter(pk=scheduled()).update(run_at="2026-01-01T00:00Z")
    for key, intended in (("old", "2026-01-01T00:00Z"), ("young", "2199-01-01T00:00Z")):
        Effect.objects.create(key=key, kind="k", fingerprint="", intended_at=intended)
    assert value(registry, "jobs_leases_lapsed") == 1
    assert value(registry, "jobs_effects_unknown") == 1
    for lag in (
        value(registry, "jobs_dispatch_lag_seconds"),
        value(registry, "jobs_oldest_seconds", queue="default"),
    ):
        assert lag is not None
        assert lag > 86400


def test_attempts_and_latency_come_from_the_roll_up(registry: CollectorRegistry) -> None:
    for _ in range(3):
        jobs.succeed(running(), result=None)
    jobs.try_again(running(), wait_s=9, error="e", traceback="", failed=True)
    statistics.roll_up()
    labels = {"queue": "default", "task": "sample.note"}
    assert value(registry, "jobs_attempts_total", outcome="succeeded", **labels) == 3
    assert value(registry, "jobs_attempts_total", outcome="retried", **labels) == 1
    assert value(registry, "jobs_run_seconds_count", **labels) == 4
    assert value(registry, "jobs_wait_seconds_count", **labels) == 3
    assert value(registry, "jobs_wait_seconds_bucket", le="+Inf", **labels) == 3
    assert value(registry, "jobs_run_seconds_bucket", le="8.192", **labels) == 4
    seconds = value(registry, "jobs_run_seconds_sum", **labels)
    assert seconds is not None
    assert 0 < seconds < 60


def test_a_ledger_that_answers_too_late_is_down_and_comes_back(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prometheus, "_dead", sleeping)
    monkeypatch.setattr(prometheus, "TIMEOUT_MS", 50)
    monkeypatch.setattr(connection, "close", lambda: None)  # the test's own transaction
    assert value(registry, "jobs_ledger_up") == 0
    assert value(registry, "jobs_leases_lapsed") is None
    monkeypatch.undo()
    assert value(registry, "jobs_ledger_up") == 1


def sleeping() -> list[tuple[str, str, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")
    return []


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_down_is_told(registry: CollectorRegistry, services: Services) -> None:
    services.postgres.stop()
    try:
        assert value(registry, "jobs_ledger_up") == 0
    finally:
        services.postgres.start()
    assert value(registry, "jobs_ledger_up") == 1

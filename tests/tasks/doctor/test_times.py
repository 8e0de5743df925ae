from __future__ import annotations

import time

import pytest
from celery import current_app, shared_task

from tasks import topology
from tasks.doctor import times
from tests.tasks.doctor.conftest import Change, said
from tests.tasks.running_jobs import scheduled

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_services")]


def test_sound_times_have_no_problem() -> None:
    scheduled(time_limit=60)
    assert said(times.clocks()) == ""
    assert said(times.time_limits()) == ""


@pytest.mark.parametrize(("off_s", "how"), [(90, "behind"), (-90, "ahead of")])
def test_a_clock_that_is_wrong(off_s: float, how: str) -> None:
    found = said(times.clocks(now=lambda: time.time() + off_s))
    assert f"PostgreSQL is 90.0 s {how}" in found
    assert f"the Redis of LOCKS_REDIS_URL is 90.0 s {how}" in found


@pytest.mark.parametrize("limit", [None, 3600])
def test_jobs_that_may_run_too_long(change: Change, limit: int | None) -> None:
    change(task_time_limit=limit)
    assert "RabbitMQ takes a message away after 1800 s" in said(times.time_limits())


def test_a_task_that_may_run_too_long() -> None:
    @shared_task(name="sample.endless", time_limit=7200)
    def endless() -> None: ...

    try:
        assert "sample.endless may run for 7200 s" in said(times.time_limits())
    finally:
        del current_app.tasks["sample.endless"]


def test_a_job_that_may_run_too_long() -> None:
    job_id = scheduled(time_limit=5000)
    assert str(job_id) in said(times.time_limits())


def test_a_queue_with_less_patience() -> None:
    queue = topology.job_queue("hasty")
    assert queue.queue_arguments is not None
    queue.queue_arguments["x-consumer-timeout"] = 60_000
    queues = current_app.amqp.queues
    dict.__setitem__(queues, "hasty", queue)
    try:
        assert "takes a message away after 60 s" in said(times.time_limits())
    finally:
        dict.__delitem__(queues, "hasty")

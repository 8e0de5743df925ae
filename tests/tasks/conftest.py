from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from tasks.models import LIVE_STATES, Job
from tests.running import Runner, Running
from tests.tasks import sample_tasks

# Short enough that a test sees a rescue, long enough that a busy machine causes none.
QUICK = {"JOBS_LEASE_S": "6", "JOBS_REPUBLISH_AFTER_S": "3"}

WaitUntil = Callable[..., object]


@pytest.fixture
def signals(runner: Runner) -> Iterator[redis.Redis]:
    """The Redis through which sample tasks and their test talk; emptied before."""
    with sample_tasks.signals() as client:
        yield client


@pytest.fixture
def dispatcher(runner: Runner) -> Running:
    return runner.start_dispatcher(env=QUICK)


@pytest.fixture
def worker(runner: Runner) -> Running:
    return runner.start_worker(concurrency=2, include=[sample_tasks.MODULE], env=QUICK)


@pytest.fixture
def all_ended(wait_until: WaitUntil) -> Callable[..., None]:
    """Wait until no job is live."""

    def ended(timeout_s: float = 90) -> None:
        wait_until(
            lambda: not Job.objects.filter(state__in=LIVE_STATES).exists(),
            timeout_s=timeout_s,
            what="every job at its end",
        )

    return ended

"""The numbers of all processes: none is lost or doubled, and no lock suffers for them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.context import ForkProcess

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pytest_django.fixtures import Settings

from tasks.locks import LockLost, LockTimeout, LockUnavailable, lock
from tasks.locks.default import default_locker
from tasks.locks.metrics import Histogram, LockMetrics, lock_metrics, totals, totals_key
from tasks.locks.prometheus import LockCollector
from tasks.locks.reporting import reporter
from tests.running import Runner
from tests.tasks import sample_tasks
from tests.tasks.locks.servers import PrivateRedis
from tests.tasks.locks.waiting import until

FORK = get_context("fork")


@pytest.fixture
def site(own_redis: PrivateRedis, settings: Settings) -> Iterator[PrivateRedis]:
    """The Redis of the settings, and all that this process counted before is told elsewhere."""
    reporter.finish()
    settings.LOCKS_METRICS_EVERY_S = 3600.0
    settings.LOCKS_REDIS_URL = own_redis.url
    yield own_redis
    # What a test left untold must not count in the next one.
    own_redis.thaw()
    with suppress(LockUnavailable):
        reporter.report()


def told() -> LockMetrics:
    locker = default_locker()
    return totals(locker.client, locker.prefix)


@contextmanager
def forked(body: Callable[[], None]) -> Iterator[ForkProcess]:
    """A process that runs `body`, and is gone afterwards whatever happened."""
    process = FORK.Process(target=body)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def ended(process: ForkProcess) -> bool:
    """Whether it came to its end by itself."""
    process.join(30)
    return process.exitcode == 0


def in_processes(body: Callable[[], None], *, count: int = 1) -> None:
    """Runs `body` in so many forked processes at once, to their ends."""
    with ExitStack() as stack:
        processes = [stack.enter_context(forked(body)) for _ in range(count)]
        assert all(ended(process) for process in processes)


def take_three() -> None:
    for _ in range(3):
        lock("a", wait=20).release()


def test_given_several_processes_when_they_end_then_their_sum_is_told(site: PrivateRedis) -> None:
    in_processes(take_three, count=4)

    sum_ = told()
    assert (sum_.acquired, sum_.wait_s.count, sum_.hold_s.count) == (12, 12, 12)
    assert sum_.wait_s.total_s > 0
    assert (sum_.timeouts, sum_.unavailable, sum_.lost) == (0, 0, 0)


def test_given_a_process_that_goes_on_then_its_numbers_are_told_meanwhile(
    site: PrivateRedis, settings: Settings
) -> None:
    settings.LOCKS_METRICS_EVERY_S = 0.05

    def take_and_stay() -> None:
        take_three()
        signal.pause()

    with forked(take_and_stay):
        until(lambda: told().acquired == 3)
    assert told().acquired == 3


def test_given_a_process_that_forks_then_nothing_is_told_twice(site: PrivateRedis) -> None:
    def take_and_fork() -> None:
        take_three()
        in_processes(take_three)
        take_three()

    in_processes(take_and_fork)

    assert told().acquired == 9


def test_given_a_fork_while_a_thread_counts_then_the_child_counts_too(site: PrivateRedis) -> None:
    """The mutex that another thread held at the fork would never be free in the child."""
    with ExitStack() as stack:
        with lock_metrics._mutex, reporter._mutex:
            process = stack.enter_context(forked(take_three))
        assert ended(process)
    assert told().acquired == 3


def test_given_losses_timeouts_and_outages_then_they_are_counted(site: PrivateRedis) -> None:
    def meet_trouble() -> None:
        client = site.client()
        with suppress(LockLost), lock("a"):
            with suppress(LockTimeout):
                lock("a", wait=0)
            client.delete("lock:a")

    in_processes(meet_trouble)

    sum_ = told()
    assert (sum_.acquired, sum_.timeouts, sum_.lost) == (1, 1, 1)


def test_given_redis_is_down_then_the_numbers_wait_and_are_told_later(site: PrivateRedis) -> None:
    lock("a").release()
    site.stop()
    with pytest.raises(LockUnavailable):
        lock("a")
    with pytest.raises(LockUnavailable):
        reporter.report()
    site.start()
    reporter.report()

    sum_ = told()
    assert (sum_.acquired, sum_.unavailable) == (1, 1)


def test_given_a_flush_then_the_totals_start_over(site: PrivateRedis) -> None:
    lock("a").release()
    reporter.report()
    site.client().flushall()
    assert told().acquired == 0
    lock("a").release()
    reporter.report()

    assert told().acquired == 1


def test_given_a_redis_that_stalls_then_a_process_still_ends_soon(site: PrivateRedis) -> None:
    ready = FORK.Event()
    frozen = FORK.Event()

    def take_and_end() -> None:
        lock("a").release()
        ready.set()
        frozen.wait(20)

    with forked(take_and_end) as process:
        assert ready.wait(20)
        site.freeze()
        began = time.monotonic()
        frozen.set()
        assert ended(process)
        assert time.monotonic() - began < 10


def test_given_a_lock_of_any_name_then_it_is_not_the_totals(site: PrivateRedis) -> None:
    lock("a").release()
    reporter.report()
    with lock("metrics"), lock(":metrics"), lock("{lock:}:metrics"):
        assert told().acquired == 1


def test_given_a_child_of_a_workers_pool_when_it_ends_then_its_numbers_are_told(
    runner: Runner,
) -> None:
    reporter.finish()  # what this process counted is told, and forgotten
    locker = default_locker()
    locker.client.delete(totals_key(locker.prefix))
    runner.start_dispatcher()
    worker = runner.start_worker(include=[sample_tasks.MODULE])
    sample_tasks.take_lock.delay("a")
    until(lambda: sample_tasks.marks("a") == 1, within_s=60)
    worker.stop()

    assert told().acquired == 1


def test_given_totals_when_prometheus_asks_then_it_gets_counters_and_histograms(
    site: PrivateRedis,
) -> None:
    in_processes(take_three, count=2)
    registry = CollectorRegistry()
    registry.register(LockCollector())
    page = generate_latest(registry).decode()

    assert "lock_metrics_up 1.0" in page
    assert "lock_acquisitions_total 6.0" in page
    assert 'lock_wait_seconds_bucket{le="+Inf"} 6.0' in page
    assert "lock_wait_seconds_count 6.0" in page
    assert registry.get_sample_value("lock_hold_seconds_sum") == told().hold_s.total_s


def test_given_redis_is_down_when_prometheus_asks_then_it_gets_that(site: PrivateRedis) -> None:
    registry = CollectorRegistry()
    registry.register(LockCollector())
    site.stop()
    assert generate_latest(registry).decode().count("\n") == 3
    assert registry.get_sample_value("lock_metrics_up") == 0
    site.start()


def test_given_numbers_when_written_and_read_back_then_they_are_the_same() -> None:
    metrics = LockMetrics(acquired=3, lost=1)
    for seconds in (0.0001, 0.003, 0.003, 99):
        metrics.wait_s.add(seconds)

    again = LockMetrics.from_fields({k: str(v) for k, v in metrics.to_fields().items()})

    assert again.to_fields() == metrics.to_fields()
    assert again.wait_s.count == 4


def test_given_a_histogram_then_its_quantiles_are_bounds() -> None:
    histogram = Histogram()
    assert histogram.quantile_s(0.5) == 0
    for seconds in (0.0001, 0.003, 0.003, 99):
        histogram.add(seconds)
    assert [histogram.quantile_s(share) for share in (0.25, 0.5, 0.75, 0.99)] == [
        0.0005,
        0.005,
        0.005,
        float("inf"),
    ]

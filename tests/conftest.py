"""What tests of every package share. The servers come from the plugin `stack.testing`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from stack.services import Services
from stack.waiting import wait_until as wait
from tests.emptying import empty_queues
from tests.running import Runner, Running

FAILED = pytest.StashKey[bool]()
WAIT_S = 30.0


def pytest_configure() -> None:
    """Ctrl-C works, here and in what the tests start. A shell that runs something in the background
    has it ignored, and programs inherit that.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., object]:
    """`wait_until(condition, timeout_s=30)`: the condition's first true answer."""

    def patiently(
        condition: Callable[[], object], timeout_s: float = WAIT_S, what: str = "it"
    ) -> object:
        return wait(condition, timeout_s=timeout_s, what=what)

    return patiently


@pytest.fixture
def empty_services(services: Services) -> Services:
    """The servers, with nothing in Redis and with all queues declared and empty."""
    with services.redis.client() as client:
        client.flushall()
    empty_queues(services)
    return services


@pytest.fixture
def runner(
    request: pytest.FixtureRequest,
    transactional_db: None,
    empty_services: Services,
    tmp_path: Path,
) -> Iterator[Runner]:
    """Starts real workers, dispatchers and beats; their logs are shown when the test fails."""
    runner = Runner(tmp_path)
    yield runner
    runner.stop_all()
    if request.node.stash.get(FAILED, False):
        runner.print_logs()


@pytest.fixture
def start_worker(runner: Runner) -> Callable[..., Running]:
    return runner.start_worker


@pytest.fixture
def start_dispatcher(runner: Runner) -> Callable[..., Running]:
    return runner.start_dispatcher


@pytest.fixture
def start_beat(runner: Runner) -> Callable[..., Running]:
    return runner.start_beat

"""The whole shop: up, up again, and down, in a checkout of its own on the test's servers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import environment
from stack.layout import ROOT, Layout
from stack.machine import Machine
from stack.programs import Phase, Ports, programs
from stack.services import Services
from stack.supervisor import Supervisor, orphans

PACKAGES = ("inventory", "orders", "shop", "stack", "tasks")
TIMEOUT_S = 180


@pytest.fixture
def checkout(tmp_path: Path) -> Layout:
    """The project without what was ever made in it."""
    root = tmp_path / "checkout"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("manage.py", ".env.example"):
        shutil.copy2(ROOT / name, root)
    return Layout(root)


@pytest.fixture
def shop(checkout: Layout, empty_services: Services) -> Iterator[Layout]:
    """A checkout whose shop is stopped at the end, whatever happened."""
    yield checkout
    stack(checkout, "down")
    empty_services.rabbitmq.wipe()


def stack(layout: Layout, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The servers' addresses come to it by the environment, as from a user who has such."""
    return subprocess.run(
        [sys.executable, "-m", "stack", *arguments],
        cwd=layout.root,
        env={**os.environ, "LOG_LEVEL": "WARNING"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_given_a_shop_that_is_up_when_started_again_then_nothing_changes(shop: Layout) -> None:
    first = stack(shop, "up", "--no-orders")
    assert first.returncode == 0, first.stdout + first.stderr
    states, processes = running(shop)
    variables = environment.read(shop.environment)

    second = stack(shop, "up", "--no-orders")

    assert second.returncode == 0, second.stdout + second.stderr
    assert running(shop) == (states, processes)
    assert environment.read(shop.environment) == variables
    assert set(states.values()) == {"active"}
    assert "password printed by the first" in second.stdout
    assert "password printed by the first" not in first.stdout


def test_given_services_of_the_users_then_they_are_used_and_never_stopped(
    shop: Layout, services: Services
) -> None:
    started = stack(shop, "up", "--no-orders")
    assert started.returncode == 0, started.stdout + started.stderr
    variables = environment.read(shop.environment)
    with urllib.request.urlopen(address(variables) + "/readyz", timeout=10) as answer:
        assert answer.status == 200
    status = stack(shop, "status")
    assert status.returncode == 0, status.stdout

    ended = stack(shop, "down")

    assert ended.returncode == 0, ended.stderr
    assert variables["DATABASE_URL"] == services.postgres.url
    assert not any(server.running for server in Machine(shop, only_looks=True).services)
    assert all(server.ready() for server in services)
    assert orphans(shop.var) == []
    assert stack(shop, "status").returncode == 1


def test_given_nothing_was_started_then_down_is_harmless(checkout: Layout) -> None:
    ended = stack(checkout, "down")

    assert ended.returncode == 0
    assert "Nothing of this shop runs any more" in ended.stdout


def test_given_a_start_under_way_then_another_waits_for_nobody(checkout: Layout) -> None:
    with Machine(checkout).alone():
        refused = stack(checkout, "up")

    assert refused.returncode == 1
    assert refused.stderr == "✗ Another ./run up or down is at work; wait for it.\n"


def test_given_a_database_that_refuses_us_then_one_sentence_says_so(
    shop: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://shop:wrong@127.0.0.1:1/shop")

    refused = stack(shop, "up")

    assert refused.returncode == 1
    (sentence,) = refused.stderr.splitlines()
    assert sentence.startswith("✗ manage.py migrate failed: ")
    assert "Connection refused" in (shop.logs / "manage.log").read_text()


def test_given_the_programs_then_workers_have_longer_than_their_soft_shutdown() -> None:
    found = programs(Layout(), Ports(1, 2, 3, 4, 5), soft_shutdown_s=100.0)

    workers = [program for program in found if program.queues]
    assert {queue for worker in workers for queue in worker.queues} == {
        *("checkout", "stock", "default", "email")
    }
    assert all(worker.graceful_s > 100.0 and worker.phase is Phase.WORK for worker in workers)


def running(layout: Layout) -> tuple[dict[str, str], dict[str, list[int]]]:
    """The state and the processes of each program."""
    supervisor = Supervisor(layout)
    states = supervisor.states()
    return states, {name: supervisor.pids(name) for name in states}


def address(variables: dict[str, str]) -> str:
    return variables["SITE_URL"].replace("localhost", "127.0.0.1")

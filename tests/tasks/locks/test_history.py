"""Real processes, real trouble, and a checker that would notice if a guard were missing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.tasks.locks import sabotage
from tests.tasks.locks.history import violations
from tests.tasks.locks.sabotage import Sabotage
from tests.tasks.locks.servers import PrivateRedis
from tests.tasks.locks.waiting import until
from tests.tasks.locks.workers import Site, Step, Trouble, crowd

pytestmark = pytest.mark.chaos


def play(site: Site, steps: Sequence[Step], *, size: int = 4, seed: int = 1) -> list[str]:
    """Let a crowd work while the steps happen to it; what was wrong."""
    history = site.history()
    with crowd(site, size=size) as workers:
        until(lambda: len(history.read()[0]) > 3 * size)  # most of them have been inside
        trouble = Trouble(site, workers, random.Random(seed))
        for step in steps:
            step(trouble)
            trouble.quiet()
    wishes, faults = history.read()
    return violations(wishes, faults, site.register().accepted())


@pytest.mark.parametrize("readers", [0.0, 0.6])
def test_given_all_kinds_of_trouble_then_nothing_goes_wrong(
    own_redis: PrivateRedis, tmp_path: Path, readers: float
) -> None:
    steps: list[Step] = [
        Trouble.kill,
        Trouble.stop_holder,
        Trouble.cut,
        Trouble.kill,
        Trouble.flush,
        Trouble.stop,
        Trouble.restart,
        Trouble.kill,
        Trouble.cut,
    ]

    assert play(Site(server=own_redis, folder=tmp_path, readers=readers), steps) == []


@pytest.mark.parametrize(
    ("guard", "steps", "noticed_as"),
    [
        (sabotage.without_owner_check, [Trouble.stop_holder] * 3, ("exclusion", "renewal")),
        # After a flush it takes up to a second until the crowd is inside again.
        (
            sabotage.without_fencing_time,
            [Trouble.flush, *[Trouble.quiet] * 10] * 2,
            ("fencing",),
        ),
        (sabotage.without_renewal, [Trouble.quiet] * 12, ("renewal",)),
        (sabotage.without_wakeup, [Trouble.quiet] * 12, ("wake-up",)),
        (sabotage.without_line, [Trouble.quiet] * 15, ("order",)),
    ],
)
def test_given_a_guard_is_switched_off_then_the_checker_goes_red(
    own_redis: PrivateRedis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    guard: Sabotage,
    steps: list[Step],
    noticed_as: tuple[str, ...],
) -> None:
    guard(monkeypatch)

    wrong = play(Site(server=own_redis, folder=tmp_path), steps)

    assert {sentence.split(":")[0] for sentence in wrong} & set(noticed_as)


@pytest.mark.parametrize(
    ("guard", "noticed_as"),
    [
        (sabotage.with_writers_among_readers, ("exclusion", "renewal")),
        (sabotage.without_other_readers, ("exclusion", "renewal")),
    ],
)
def test_given_a_guard_of_readers_is_switched_off_then_the_checker_goes_red(
    own_redis: PrivateRedis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    guard: Sabotage,
    noticed_as: tuple[str, ...],
) -> None:
    guard(monkeypatch)

    wrong = play(Site(server=own_redis, folder=tmp_path, readers=0.6), [Trouble.quiet] * 5)

    assert {sentence.split(":")[0] for sentence in wrong} & set(noticed_as)


def test_given_dead_waiters_are_not_noticed_then_the_checker_goes_red(
    own_redis: PrivateRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage.without_dead_waiter_cleanup(monkeypatch)
    steps = [Trouble.kill_last_waiter, *[Trouble.quiet] * 7] * 3

    # Many, so that Redis has noticed the death before it is the dead one's turn.
    wrong = play(Site(server=own_redis, folder=tmp_path), steps, size=8)

    assert any(sentence.startswith("wake-up:") for sentence in wrong)


def test_given_the_row_forgets_its_fence_then_the_checker_goes_red(
    own_redis: PrivateRedis, tmp_path: Path
) -> None:
    site = Site(server=own_redis, folder=tmp_path, fenced=False)

    wrong = play(site, [Trouble.stop_holder] * 3)

    assert any(sentence.startswith("fence:") for sentence in wrong)

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import EffectMismatch
from tasks.outcomes import Permanent, Retry
from tasks.retry import RetryPolicy

seconds = st.floats(0, 10_000, allow_nan=False)
chances = st.floats(0, 1, exclude_max=True)


class Slow(Exception):
    retry_after_s = 42.0


@given(
    failures=st.integers(1, 10_000),
    base=seconds,
    cap=seconds,
    chance=chances,
)
def test_a_wait_lies_between_zero_and_the_cap(
    failures: int, base: float, cap: float, chance: float
) -> None:
    policy = RetryPolicy(max_attempts=20_000, base_s=min(base, cap), cap_s=cap)
    wait = policy.wait_s(ValueError(), failures=failures, age_s=0, uniform=lambda: chance)
    assert wait is not None
    assert 0 <= wait <= cap


@given(failures=st.integers(1, 30))
def test_the_longest_wait_doubles_until_the_cap(failures: int) -> None:
    policy = RetryPolicy(max_attempts=100, base_s=1, cap_s=1000)
    longest = policy.wait_s(ValueError(), failures=failures, age_s=0, uniform=lambda: 1.0)
    assert longest == min(1000, 2 ** (failures - 1))


def test_jitter_is_full_and_even() -> None:
    policy = RetryPolicy(max_attempts=100, base_s=8, cap_s=8)
    rng = random.Random(1)
    waits = [
        policy.wait_s(ValueError(), failures=1, age_s=0, uniform=rng.random) or 0.0
        for _ in range(4000)
    ]
    assert 3.8 < sum(waits) / len(waits) < 4.2
    assert min(waits) < 0.1
    assert max(waits) > 7.9


@given(limit=st.integers(1, 50), failures=st.integers(1, 100))
def test_attempts_end_at_the_limit(limit: int, failures: int) -> None:
    wait = RetryPolicy(max_attempts=limit).wait_s(ValueError(), failures=failures, age_s=0)
    assert (wait is None) == (failures >= limit)


@given(age=seconds, chance=chances)
def test_no_retry_starts_after_the_deadline(age: float, chance: float) -> None:
    policy = RetryPolicy(max_attempts=100, base_s=10, cap_s=10, deadline_s=60)
    wait = policy.wait_s(ValueError(), failures=1, age_s=age, uniform=lambda: chance)
    assert wait is None or age + wait <= 60


def test_an_error_that_says_when_is_heard() -> None:
    policy = RetryPolicy(max_attempts=3)
    assert policy.wait_s(Slow(), failures=1, age_s=0) == 42
    assert policy.wait_s(Retry("later", after=7), failures=1, age_s=0) == 7
    assert policy.wait_s(Retry("later", after=7), failures=3, age_s=0) is None


def test_rules_go_by_the_nearest_class() -> None:
    policy = RetryPolicy(
        max_attempts=9,
        rules={
            OSError: RetryPolicy(max_attempts=2, base_s=0),
            ConnectionError: Permanent,
        },
    )
    assert policy.wait_s(FileNotFoundError(), failures=1, age_s=0) == 0
    assert policy.wait_s(FileNotFoundError(), failures=2, age_s=0) is None
    assert policy.wait_s(ConnectionResetError(), failures=1, age_s=0) is None
    assert policy.wait_s(ValueError(), failures=2, age_s=0) is not None


def test_some_errors_are_never_retried() -> None:
    policy = RetryPolicy(max_attempts=9)
    assert policy.wait_s(Permanent(), failures=1, age_s=0) is None
    assert policy.wait_s(EffectMismatch(), failures=1, age_s=0) is None


@pytest.mark.parametrize(
    "wrong",
    [{"max_attempts": 0}, {"base_s": -1}, {"base_s": 10, "cap_s": 1}, {"deadline_s": 0}],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        RetryPolicy(**wrong)  # type: ignore[arg-type]
